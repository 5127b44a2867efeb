"""Small numbers for words: what repeats is stored once and counted by its code."""

from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.core.columns.column import Coded

W = TypeVar("W", bound=Hashable)
_FEW = 1000  # words that are kept without a look whether they are used
_SPARSE = 16  # times as large as there are of them: numbers that are put in order to tell them apart


class Dictionary(Generic[W]):
    """Words numbered from 0 in the order of their first use. The number of one that was forgotten is given again."""

    def __init__(self) -> None:
        self.words: list[W] = []
        self._code: dict[W, int] = {}
        self._free: list[int] = []
        self._looked = 0  # words that there were when some were last forgotten

    def code(self, word: W) -> int:
        """The number of `word`, a new one at its first use."""
        found = self._code.get(word)
        if found is None:
            found = self._code[word] = self._place(word)
        return found

    def _place(self, word: W) -> int:
        if not self._free:
            self.words.append(word)
            return len(self.words) - 1
        code = self._free.pop()
        self.words[code] = word
        return code

    @property
    def many(self) -> bool:
        """Whether there are so many more than when some were last forgotten that it is worth a look again."""
        return len(self._code) > 2 * self._looked + _FEW

    def keep(self, used: NDArray[np.int64], blank: W) -> None:
        """Forget all words but those with the `used` codes; `blank` stands in their places."""
        gone = np.ones(len(self.words), np.bool_)
        gone[used] = False
        gone[self._free] = False
        for code in np.flatnonzero(gone).tolist():
            del self._code[self.words[code]]
            self.words[code] = blank
            self._free.append(code)
        self._looked = len(self._code)

    def codes(self, words: Sequence[W]) -> NDArray[np.int64]:
        """The numbers of many words."""
        return np.fromiter(map(self.code, words), np.int64, len(words))


def coded(words: Sequence[str], at: NDArray[np.int64]) -> Coded:
    """The column whose row `i` is `words[at[i]]`, each distinct word stored once."""
    distinct = Dictionary[str]()
    return Coded(distinct.codes(words)[at], distinct.words)


def distinct(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The distinct ones of whole numbers from 0 on, ascending, and the place of each number among them. Where they are
    small they are not sorted."""
    most = int(numbers.max(initial=0))
    if most > _SPARSE * len(numbers):
        return np.unique(numbers, return_inverse=True)
    there = np.zeros(most + 1, np.bool_)
    there[numbers] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[numbers]
