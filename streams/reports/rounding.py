"""Figures rounded for people, so that what is shown adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from streams.texts import Language

MONEY = 2  # places


def adding_up(amounts: Sequence[Decimal], places: int) -> list[Decimal]:
    """Rounded so that they add up to their rounded sum: what is missing goes to the largest remainders."""
    unit = Decimal(1).scaleb(-places)
    rounded = [amount.quantize(unit, ROUND_FLOOR) for amount in amounts]
    missing = int((sum(amounts, Decimal(0)).quantize(unit, ROUND_HALF_EVEN) - sum(rounded)) / unit)
    by_remainder = sorted(range(len(amounts)), key=lambda index: rounded[index] - amounts[index])
    for index in by_remainder[:missing]:
        rounded[index] += unit
    return rounded


def places(counts: Sequence[Decimal]) -> int:
    """How many places counts are shown with: none where all are whole."""
    return 0 if all(count == int(count) for count in counts) else 2


def count(number: Decimal, said: Language) -> str:
    """A count on its own."""
    return said.number(round(number, places([number])))


def money(value: Mapping[str, Decimal], said: Language) -> str:
    """One line for each currency: amounts of different currencies are never added."""
    return "\n".join(f"{said.number(round(amount, MONEY))} {currency}" for currency, amount in value.items())
