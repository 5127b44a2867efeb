"""Events with known causes: a seeded campaign month for the demo, the tests and the benchmarks."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.simulate.campaigns import EFFORTS, catalogue_text
from streams.simulate.costs import costs
from streams.simulate.envelopes import Simulated, order_id, records
from streams.simulate.plan import ORGANIC, Plan, plan
from streams.simulate.scenario import Scenario

__all__ = ["Scenario", "Simulated", "Summary", "catalogue_text", "causes", "costs", "generate", "write"]


@dataclass(frozen=True)
class Summary:
    """How many records were written, and how many distinct orders and enquiries had no campaign as their cause."""

    engagement: int
    checkout: int
    orders: int
    organic: int


def generate(scenario: Scenario) -> Iterator[Simulated]:
    """The scenario's records in the order of arrival; the same scenario gives the same bytes."""
    return records(plan(scenario))


def causes(scenario: Scenario) -> dict[str, str]:
    """The true cause of each order of the scenario, by order id: a campaign id, or "organic"."""
    return _causes(plan(scenario))


def write(out: Path, scenario: Scenario) -> Summary:
    """Write engagement.ndjson, checkout.ndjson, catalogue.toml and truth.ndjson (order id and cause) into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    planned = plan(scenario)
    truth = _causes(planned)
    (out / "catalogue.toml").write_text(
        catalogue_text(scenario.start, scenario.days, scenario.holdout), encoding="utf-8"
    )
    lines = (json.dumps({"order_id": order, "cause": cause}) for order, cause in truth.items())
    (out / "truth.ndjson").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    written: Counter[str] = Counter()
    with (out / "engagement.ndjson").open("wb") as engagement, (out / "checkout.ndjson").open("wb") as checkout:
        files = {"engagement": engagement, "checkout": checkout}
        for topic, _, value in records(planned):
            files[topic].write(value + b"\n")
            written[topic] += 1
    organic = sum(cause == "organic" for cause in truth.values())
    return Summary(written["engagement"], written["checkout"], len(truth), organic)


def _causes(planned: Plan) -> dict[str, str]:
    causes = planned.orders.cause.tolist()
    return {order_id(planned, n): "organic" if c == ORGANIC else EFFORTS[c].id for n, c in enumerate(causes)}
