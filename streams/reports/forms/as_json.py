"""The report for programs: everything, exact. Decimals are texts, times are UTC, days are those of the time zone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from streams.core.parsing.printable import one_line
from streams.reports.audiences.reached import Reached
from streams.reports.audiences.sheets import who
from streams.reports.goal_progress import Part, Progress
from streams.reports.payback import Paid, Payback
from streams.reports.report import Caused, Report
from streams.texts import Language
from streams.texts.names import STATUS, model_name, reason_name

FORMAT = 1


def as_json(report: Report, said: Language) -> str:
    """One JSON object; its names (of models, reasons and statuses) are in the language."""
    return json.dumps(content(report, said), ensure_ascii=False, indent=2)


def content(report: Report, said: Language) -> dict[str, Any]:
    """What `docs/reference/report.md` describes."""
    period, until = report.period, report.data_until
    return {
        "format": FORMAT,
        "model": report.model,
        "model_name": said(model_name(report.model)),
        "timezone": period.zone,
        "since": None if period.since is None else str(period.since),
        "until": None if period.until is None else str(period.until),
        "data_until": None if until is None else _moment(until),
        "goals": [_goal(goal, said) for goal in report.goals],
        "paid": _payback(report.payback, said),
        "reached": [_reached(each, said) for each in report.reached],
        "caused": [_caused(each) for each in report.caused],
    }


def _goal(goal: Progress, said: Language) -> dict[str, Any]:
    return {
        "goal": goal.goal,
        "name": one_line(goal.name),
        "unit": one_line(goal.unit),
        "target": _exact(goal.target),
        "by": None if goal.by is None else str(goal.by),
        "reached": _exact(goal.so_far),
        "in_period": _exact(goal.reached),
        "value": _by_currency(goal.value),
        "without_value": goal.without_value,
        "expected": goal.expected,
        "status": goal.status,
        "status_name": said(STATUS.get(goal.status, goal.status)),
        "provisional_since": None if goal.settled_until is None else _moment(goal.settled_until),
        "credit": [_part(part, said) for part in goal.parts],
        "without_conversions": [one_line(name) for name in goal.idle],
        "days": [{"day": str(day), "conversions": _exact(number)} for day, number in goal.days],
    }


def _part(part: Part, said: Language) -> dict[str, Any]:
    return {
        "campaign": one_line(part.campaign) if part.attributed else None,
        "name": one_line(part.name) if part.attributed else None,
        "channel": one_line(part.means) if part.attributed else None,
        "reason": None if part.attributed else part.name,
        "reason_name": None if part.attributed else said(reason_name(part.name)),
        "conversions": _exact(part.conversions),
        "value": _by_currency(part.value),
    }


def _payback(payback: Payback, said: Language) -> dict[str, Any]:
    return {
        "goals": list(payback.goals),
        "campaigns": [
            {"campaign": one_line(p.campaign), "name": one_line(p.name)} | _paid(p) for p in payback.campaigns
        ],
        "channels": [_paid(paid) for paid in payback.channels],
        "unattributed": [
            {
                "reason": each.reason,
                "reason_name": said(reason_name(each.reason)),
                "currency": each.currency,
                "conversions": _exact(each.conversions),
                "value": _exact(each.value),
            }
            for each in payback.unattributed
        ],
    }


def _paid(paid: Paid) -> dict[str, Any]:
    return {
        "channel": one_line(paid.channel),
        "currency": paid.currency,
        "money": _exact(paid.money),
        "hours": _exact(paid.hours),
        "cost": _exact(paid.cost),
        "conversions": _exact(paid.conversions),
        "value": _exact(paid.value),
        "cost_per_conversion": _ratio(paid.cost_per_conversion),
        "return_on_investment": _ratio(paid.return_on_investment),
    }


def _reached(each: Reached, said: Language) -> dict[str, Any]:
    return {
        "campaign": one_line(each.campaign),
        "name": one_line(each.name),
        "audience": one_line(each.audience) or None,
        "audience_name": who(each.audience, said),
        "people": each.people,
        "share": each.share,
        "cost": _exact(each.cost),
        "cost_each": _ratio(each.cost_each),
        "currency": each.currency or None,
        "converted": each.converted,
    }


def _caused(each: Caused) -> dict[str, Any]:
    return {
        "campaign": one_line(each.campaign),
        "name": one_line(each.name),
        "goal": each.goal,
        "status": each.status,
        "missing_users": each.missing_users,
        "users": each.users,
        "held_out_users": each.held_users,
        "held_out_but_exposed": each.leaked,
        "balance": each.balance,
        "incremental": each.incremental,
        "incremental_low": each.incremental_low,
        "incremental_high": each.incremental_high,
        "attributed": None if each.attributed is None else float(each.attributed),
    }


def _by_currency(value: Mapping[str, Decimal]) -> Sequence[dict[str, Any]]:
    return [{"currency": currency, "amount": _exact(amount)} for currency, amount in value.items()]


def _exact(number: Decimal | None) -> str | None:
    """All places, without an exponent and without zeros at the end."""
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ratio(number: Decimal | None) -> str | None:
    """To six places: what is divided has no end."""
    return _exact(None if number is None else round(number, 6))


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
