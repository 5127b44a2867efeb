"""What a ledger's Python objects take in memory: an estimate, from a few of each sort."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

_TRACKED = 16  # bytes that the garbage collector adds to what may hold others
_SAMPLE = 100  # things of a sort that are measured
_CHANGE = 1.25  # how many times as many things, or as few, are measured anew


class Footprint:
    """Remembers what things of each sort take on average, and measures again when there are many more or fewer."""

    def __init__(self) -> None:
        self._measured: dict[str, tuple[int, float]] = {}  # by sort: how many there were, and bytes of one

    def of(self, sort: str, things: Collection[Any]) -> int:
        """The bytes of all those things, and of what holds them; of a mapping, keys and values."""
        number = len(things)
        before, average = self._measured.get(sort, (0, 0.0))
        if number and not before / _CHANGE <= number <= before * _CHANGE:
            average = _average(things)
            self._measured[sort] = number, average
        return _own(things) + round(number * average)


def _average(things: Collection[Any]) -> float:
    step = 1 + len(things) // _SAMPLE
    parts = (things.keys(), things.values()) if isinstance(things, Mapping) else (things,)
    samples = [list(islice(part, 0, None, step)) for part in parts]
    held = deep_size(samples) - sum(map(_own, (samples, *samples)))  # what they share counts once
    return held / len(samples[0])


def deep_size(thing: Any) -> int:
    """The bytes of an object and of all that it holds, each object once."""
    seen, waiting, size = set[int](), [thing], 0
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            size += _own(each)
            waiting += _inside(each)
    return size


def _own(thing: Any) -> int:
    """The bytes of the object itself, what the garbage collector adds included."""
    tracked = isinstance(thing, Collection) and not isinstance(thing, str | bytes)
    return int(thing.__sizeof__()) + (_TRACKED if tracked else 0)


def _inside(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        yield from thing.keys()
        yield from thing.values()
    elif isinstance(thing, tuple | list | set | frozenset):
        yield from thing
    elif hasattr(thing, "__struct_fields__"):
        yield from (getattr(thing, name) for name in thing.__struct_fields__)
