"""Names of events that nobody counts, and what they nearly spell."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from streams.core.door.fields.names import event_name

_NEAR = 0.8
_LONGEST = 64  # characters of a name that is compared


def nearly(name: str, events: Iterable[str]) -> str:
    """The one of some events, as they are spelt in the catalogue, that a name nearly spells, '' where none."""
    return _nearly(name[:_LONGEST], tuple(events))


@lru_cache(maxsize=512)
def _nearly(name: str, events: tuple[str, ...]) -> str:
    spelt = {event_name(event): event for event in events}
    said = event_name(name)
    if not said or said in spelt:
        return ""
    ordered = {_ordered(event): spelling for event, spelling in spelt.items()}
    if _ordered(said) in ordered:
        return ordered[_ordered(said)]
    near = get_close_matches(said, spelt, 1, _NEAR) or get_close_matches(_ordered(said), ordered, 1, _NEAR)
    return ({**ordered, **spelt}[near[0]]) if near else ""


def _ordered(name: str) -> str:
    """The words of a name in alphabetical order."""
    return " ".join(sorted(name.split()))
