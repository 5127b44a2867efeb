"""The simulated site's truth beside the oracle's tables, in one form to be compared."""

from collections.abc import Mapping
from typing import Any

from streams.simulate.site import Site, month
from streams.simulate.site.words import SOURCES, catalogue
from tests.oracle import Result, attribute

_COLUMNS = ("occurred_at", "value", "reversed_value", "currency", "customer", "status", "reason")
_TOUCH = ("touch_at", "touch_campaign", "touch_network", "touch_action")
Facts = dict[tuple[str, str], dict[str, Any]]


def by_the_oracle(site: Site) -> Result:
    """What the oracle makes of everything that a site sends."""
    records = [(record.topic, record.value) for record in month(site).records]
    return attribute(catalogue(site.start, site.days), records, SOURCES)


def true_orders(truth: dict[str, Any]) -> Facts:
    """What is true of each order for each goal."""
    return {(fact["goal"], fact["order_id"]): fact for fact in truth["orders"]}


def told_orders(conversions: Mapping[tuple[Any, ...], dict[str, Any]]) -> Facts:
    """What the oracle, or ClickHouse, says of each order, as the truth says it."""
    return {(goal, key): _told(goal, key, row) for (goal, key), row in conversions.items()}


def _told(goal: str, key: str, row: dict[str, Any]) -> dict[str, Any]:
    touches = [list(touch) for touch in zip(*(row[column] for column in _TOUCH), strict=True)]
    gone = row["status"] == "reversed"
    return {
        "goal": goal,
        "order_id": key,
        "value_known": bool(row["value_known"]),
        "touches": touches,
        **{column: row[column] for column in _COLUMNS},
        "credit": {} if gone or not touches else {model: _by_campaign(row, model) for model in _MODELS},
    }


_MODELS = ("first", "last", "last_click", "linear")


def _by_campaign(row: dict[str, Any], model: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for campaign, credit in zip(row["touch_campaign"], row["credit"][model], strict=True):
        found[campaign] = found.get(campaign, 0) + credit
    return {campaign: credit for campaign, credit in found.items() if credit}
