"""Small numbers for words: what repeats is stored once and counted by its code."""

from collections.abc import Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

W = TypeVar("W", bound=Hashable)
CLICK, ENGAGE, VIEW = 1, 2, 3
TOKEN = "token"  # the action of the touch that a checkout's own campaign adds
CLASS_OF = {
    **dict.fromkeys(("click", "visit", "scan", TOKEN), CLICK),
    **dict.fromkeys(("like", "comment", "share", "save", "follow", "reply", "video_view"), ENGAGE),
    **dict.fromkeys(("view", "impression"), VIEW),
}


class Codes(Generic[W]):
    """Words numbered from 0 in the order of their first use."""

    def __init__(self) -> None:
        self.words: list[W] = []
        self._code: dict[W, int] = {}

    def code(self, word: W) -> int:
        """The number of `word`, a new one at its first use."""
        found = self._code.get(word)
        if found is None:
            found = self._code[word] = len(self.words)
            self.words.append(word)
        return found

    def codes(self, words: Sequence[W]) -> NDArray[np.int64]:
        """The numbers of many words."""
        return np.fromiter(map(self.code, words), np.int64, len(words))


class Kind(NamedTuple):
    """What an engagement event is, beside who and when."""

    campaign: str
    network: str
    action: str


class Kinds(Codes[Kind]):
    """The kinds of engagement seen so far, and facts about each as arrays by code."""

    def __init__(self) -> None:
        super().__init__()
        self.means: Codes[tuple[str, str]] = Codes()  # (campaign, network)
        self.campaigns: Codes[str] = Codes()
        self._facts = np.zeros((3, 0), np.int64)

    def _fact(self, row: int) -> NDArray[np.int64]:
        new = self.words[self._facts.shape[1] :]
        if new:
            classes = [CLASS_OF.get(kind.action, 0) if kind.campaign else 0 for kind in new]
            means = self.means.codes([kind[:2] for kind in new])
            rows = np.stack([np.array(classes), means, self.campaigns.codes([kind.campaign for kind in new])])
            self._facts = np.concatenate([self._facts, rows], axis=1)
        return np.asarray(self._facts[row])

    @property
    def class_of(self) -> NDArray[np.int64]:
        """The action class by kind: CLICK, ENGAGE, VIEW, or 0 where it is no touch."""
        return self._fact(0)

    @property
    def means_of(self) -> NDArray[np.int64]:
        """The code of (campaign, network) by kind; `means` has the words."""
        return self._fact(1)

    @property
    def campaign_of(self) -> NDArray[np.int64]:
        """The code of the campaign by kind; `campaigns` has the words."""
        return self._fact(2)
