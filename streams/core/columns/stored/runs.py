"""The runs of an index: a few of each size, in memory or in files, merged while others work with them."""

from collections.abc import Sequence

import numpy as np

from streams.core.columns.arrays import Mask
from streams.core.columns.run import KeyedRows, concatenated, none, sorted_run
from streams.core.columns.stored.held import Held, Past, in_memory
from streams.core.columns.stored.keeper import MemoryPlace, RunKeeper
from streams.core.columns.stored.merging import PART, Merge, size_of

FAN = 4  # runs of about one size that are merged into one
MOST = 1 << 22  # rows of a merged run
_WORTH = 8  # a run is made anew when one in so many of its rows is past
_WORTH_A_FILE = 2  # as _WORTH, of a large run in a file
_AHEAD = 16  # rows that are merged for each that is added, at the least: more than there are merges in a row's life


class Runs:
    """Runs, each of one epoch. What is done to one is done in parts, as rows come: see `work`."""

    def __init__(self, keeper: RunKeeper, part: int = PART) -> None:
        """`part`: rows that are merged at once."""
        self.held: list[Held] = []
        self.keeper, self._part = keeper, part
        self._merges: list[Merge] = []

    @property
    def memory(self) -> int:
        """Bytes of memory that they take."""
        return sum(each.nbytes for each in self.held) + sum(merge.nbytes for merge in self._merges)

    @property
    def disk(self) -> int:
        """Bytes of their files."""
        return sum(each.disk for each in self.held)

    @property
    def staying(self) -> int:
        """Bytes of memory that they will take when what is being written to files is there."""
        leaving = (part.nbytes for merge in self._merges if merge.filed for part in merge.parts if not part.about)
        return sum(each.nbytes for each in self.held) - sum(leaving)

    def add(self, batch: KeyedRows, epoch: int) -> None:
        """Add rows, which are in the order of their keys and whose times all lie in `epoch`."""
        self.held.append(in_memory(sorted_run(batch, epoch)))
        self._look_for_merges(epoch)

    def _look_for_merges(self, epoch: int) -> None:
        """Merge while the smallest FAN runs are of about one size, so that there are few, however many rows."""
        while True:
            free = [each for each in self._free() if each.run.epoch == epoch and each.rows <= MOST // FAN]
            few = sorted(free, key=lambda each: each.rows)[:FAN]
            if len(few) < FAN or few[-1].rows > FAN * few[0].rows or not self._begin(few):
                return

    def _free(self) -> list[Held]:
        busy = {id(part) for merge in self._merges for part in merge.parts}
        return [each for each in self.held if id(each) not in busy]

    def _begin(self, parts: list[Held], *, filed: bool = False) -> bool:
        """Make one run of those, in a file where one of them is; whether there is room for it. A small one is done at
        once."""
        merge = self._merge(parts, filed=filed)
        if merge is None:
            return False
        if merge.rows <= self._part:
            merge.finish()
            return self._end(merge)
        return True

    def _merge(self, parts: list[Held], past: Mask | None = None, *, filed: bool = False) -> Merge | None:
        size = size_of(parts)
        place = self.keeper.file(size) if filed or any(part.about for part in parts) else MemoryPlace(size)
        if place is None:
            return None
        for part in parts:
            self._reading(part, True)
        self._merges.append(merge := Merge(parts, place, past, self._part))
        return merge

    def work(self, rows: int) -> None:
        """Go on with what is under way, the smallest first, as so many rows came."""
        left = self._part + _AHEAD * rows
        while left > 0 and self._merges:
            merge = min(self._merges, key=lambda each: each.rows)
            left -= self._part
            if merge.step() and self._end(merge) and merge.made:
                self._look_for_merges(merge.made.run.epoch)

    def _end(self, merge: Merge) -> bool:
        """Have what it made in place of its parts; whether it could be written."""
        self._abandon(merge)
        if merge.left and merge.made is None:
            return False
        self._forget(merge.parts)
        if merge.made:
            self._reading(merge.made, False)
            self.held.append(merge.made)
        return True

    def _forget(self, parts: Sequence[Held]) -> None:
        self.held = [each for each in self.held if each not in parts]

    def _abandon(self, merge: Merge) -> None:
        self._merges.remove(merge)
        for part in merge.parts:
            self._reading(part, False)

    def _reading(self, held: Held, whole: bool) -> None:
        if held.about:
            self.keeper.whole(held.run, whole)

    def discard(self, before: int, past: Past | None = None) -> KeyedRows:
        """Forget rows before that time (ms), or those of them that are `past`, of each run as soon as they are many;
        what went, but of a run that went whole and has no texts beside, which is not even looked into."""
        gone = [none()]
        for each in list(self.held):
            if past is None and each.newest < before:
                gone.append(self._drop(each))
            elif each.oldest < before and each in self._free():
                gone += self._thin(each, before, past)
        return concatenated(gone)

    def _drop(self, held: Held) -> KeyedRows:
        for merge in [each for each in self._merges if held in each.parts]:
            self._abandon(merge)
        self._forget([held])
        return none() if held.about and not held.about.texts else held.all_rows()

    def _thin(self, held: Held, before: int, past: Past | None) -> list[KeyedRows]:
        """Make a run anew without the rows that are past, where they are many; these."""
        worth = _WORTH_A_FILE if held.about and held.rows > PART else _WORTH
        self._reading(held, True)
        gone = held.before(before)
        if past and gone.sum() * worth >= held.rows:
            gone = held.narrowed(gone, past, PART)
        merge = self._merge([held], gone) if gone.sum() * worth >= held.rows else None
        self._reading(held, False)
        if merge is None:
            return []
        merge.finish()
        return merge.gone if self._end(merge) else []

    def anonymise(self, token: int) -> bool:
        """The rows of that token (a hash) belong to nobody from now on; whether there are any."""
        tokens, found = np.array([token], np.uint64), False
        for each in self.held:
            if len(each.of_users(tokens)[1]):
                each.nobodies, found = np.union1d(each.nobodies, tokens), True
        return found

    def rest(self) -> None:
        """What was read of files need not be in memory now."""
        for each in self.held:
            self._reading(each, False)

    @property
    def largest(self) -> int:
        """Bytes of the largest run in memory that may go to a file; 0 where there is none."""
        return max((each.nbytes for each in self._movable()), default=0)

    def move(self) -> bool:
        """Begin to move that one to a file; whether there is room."""
        largest = max(self._movable(), key=lambda each: each.nbytes)
        return self._begin([largest], filed=True)

    def _movable(self) -> list[Held]:
        return [each for each in self._free() if not each.about and each.rows >= self.keeper.least]
