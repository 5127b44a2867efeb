"""How far each model's credit, and the measured lift, are from what campaigns really caused.

    python -m tests.bench.bench_truth [--events 2000000] [--users 40000] [--seed 1] [--years 1]

A simulated year of known causes goes through `maalstrom replay`: 40 % of the orders would have come anyway, a third of
those buyers clicking a search advertisement on the way; 20 % are refunded, in part or whole; half of those who log in
do so with their first order; in one of ten pairs two share a browser; one user in five is held out from each campaign
that a site shows. Figures are of the goal `orders`, in conversions net of reversals.

`caused` are the orders that would not have been without the campaign; `seen` those by people with a token and consent,
the only ones that lift can measure, with its 95 % interval beside it. Below, for each model: the error, the sum over
campaigns of |credit - caused| by the sum of caused; and over-credit, all credit by all caused. Of several
years, each with its own people and token key, only the first is shown; below it, how many intervals hold the truth.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from streams import simulate
from streams.jobs import removal_effects
from streams.reports.goal_progress import MARKOV, MODELS
from streams.simulate.campaigns import EFFORTS
from streams.sinks.clickhouse.client import Client, connect
from tests.e2e.commands import COMMAND, Month, embedded, environment

CAMPAIGNS = [effort.id for effort in EFFORTS]
CONVERSIONS = "SELECT conversion_id, user FROM conversions FINAL WHERE goal = 'orders' AND status != 'reversed'"
CREDIT = """
SELECT model, campaign, toFloat64(sum(conversions)) AS credit FROM goal_attribution_now
WHERE goal = 'orders' AND campaign != '' GROUP BY model, campaign
UNION ALL
SELECT 'markov', campaign, toFloat64(sum(conversions)) FROM removal_effects_now WHERE goal = 'orders' GROUP BY campaign
"""
LIFT = """
SELECT campaign, incremental, incremental_low, incremental_high, balance, leaked, crossed, ambiguous FROM campaign_lift
WHERE goal = 'orders' AND measure = 'conversions' AND model = 'linear'
"""


def year(events: int, users: int, seed: int) -> simulate.Scenario:
    return simulate.Scenario(
        events=events,
        users=users,
        seed=seed,
        start=date(2025, 1, 1),
        days=365,
        organic=0.4,
        seekers=1 / 3,
        refunds=0.2,
        late_logins=0.5,
        shared=0.1,
        holdout=0.2,
        token_key=token_key(seed).encode(),
    )


def token_key(seed: int) -> str:
    """With one key for all years, the same people would be held out in each."""
    return f"the secret of year {seed:04d}"


def caused(client: Client, folder: Path) -> tuple[Counter[str], Counter[str]]:
    """By cause, the conversions that remain; and those of them whose buyer has a token and consent."""
    truth = {line["order_id"]: line["cause"] for line in map(json.loads, Month(folder).lines("truth"))}
    found = client.query(CONVERSIONS)
    return (
        Counter(truth[row["conversion_id"]] for row in found),
        Counter(truth[row["conversion_id"]] for row in found if row["user"]),
    )


def line(name: str, cells: list[str]) -> None:
    print(f"{name:14}" + "".join(f"{cell:>11}" for cell in cells))


def show(client: Client, truth: Counter[str], seen: Counter[str]) -> None:
    credit = {(row["model"], row["campaign"]): row["credit"] for row in client.query(CREDIT)}
    lift = {row["campaign"]: row for row in client.query(LIFT)}
    models = [*MODELS, MARKOV]
    line("campaign", ["caused", *models, "seen", "lift"])
    for name in CAMPAIGNS:
        shares = [f"{credit.get((model, name), 0.0):,.0f}" for model in models]
        line(name, [f"{truth[name]:,}", *shares, f"{seen[name]:,}", measured(lift.get(name))])
    total = sum(truth[name] for name in CAMPAIGNS)
    sums = {model: sum(credit.get((model, name), 0.0) for name in CAMPAIGNS) for model in models}
    wrong = {m: sum(abs(credit.get((m, name), 0.0) - truth[name]) for name in CAMPAIGNS) for m in models}
    line("all", [f"{total:,}", *(f"{sums[model]:,.0f}" for model in models)])
    line("error", ["", *(f"{wrong[model] / total:.0%}" for model in models), *lift_error(seen, lift)])
    line("over-credit", ["", *(f"{sums[model] / total:.2f}" for model in models)])
    print(f"organic: {truth['organic']:,} of {total + truth['organic']:,}")
    for row in lift.values():
        print(
            "{campaign}: balance {balance:.2f}, {leaked} leaked, {crossed} crossed, {ambiguous} ambiguous".format_map(
                row
            )
        )


def measured(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "-"
    if row["incremental"] is None:
        return "not yet"
    return "  {incremental:,.0f} [{incremental_low:,.0f}, {incremental_high:,.0f}]".format_map(row)


def lift_error(seen: Counter[str], lift: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The same error of lift, over the campaigns that it measures."""
    tested = {name: row["incremental"] for name, row in lift.items() if row["incremental"] is not None}
    wrong = sum(abs(value - seen[name]) for name, value in tested.items())
    return ["", f"{wrong / max(1, sum(seen[name] for name in tested)):.0%}"]


def covered(client: Client, seen: Counter[str]) -> list[bool]:
    """For each campaign whose lift is measured, whether the interval holds what it caused."""
    rows = [row for row in client.query(LIFT) if row["incremental_low"] is not None]
    return [row["incremental_low"] <= seen[row["campaign"]] <= row["incremental_high"] for row in rows]


def run(folder: Path, scenario: simulate.Scenario, first: bool) -> list[bool]:
    simulate.write(folder, scenario)
    dsn = embedded(folder / "db" / "clickhouse")
    command = [COMMAND, "replay", *map(str, Month(folder).arguments), "--clickhouse", dsn]
    env = environment({"MAALSTROM_TOKEN_KEY": scenario.token_key.decode()})
    subprocess.run(command, env=env, check=True, capture_output=True)
    with connect(dsn) as client:
        truth, seen = caused(client, folder)
        if first:
            removal_effects.refresh(client, int(time.time()))
            show(client, truth, seen)
        return covered(client, seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("events", 2_000_000), ("users", 40_000), ("seed", 1), ("years", 1)):
        parser.add_argument(f"--{option}", type=int, default=default)
    chosen = parser.parse_args()
    held = []
    for seed in range(chosen.seed, chosen.seed + chosen.years):
        with tempfile.TemporaryDirectory(prefix="maalstrom-truth-") as name:
            held += run(Path(name), year(chosen.events, chosen.users, seed), first=seed == chosen.seed)
    print(f"{sum(held)} of {len(held)} intervals hold the truth")


if __name__ == "__main__":
    main()
