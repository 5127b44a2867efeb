"""Kinds of touches: each action's class, campaign and network, stored once, counted by code, looked up once."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.catalogue.model import Catalogue
from streams.core.columns.dictionary import Dictionary
from streams.core.door.canonical import Words
from streams.core.events.campaigns import Campaigns

CLICK, ENGAGE, VIEW = 1, 2, 3
TOKEN = "token"  # the action of the touch that a checkout's own campaign adds
CLASS_OF = {
    **dict.fromkeys(("click", "visit", "scan", TOKEN), CLICK),
    **dict.fromkeys(("like", "comment", "share", "save", "follow", "reply", "reaction", "video_view"), ENGAGE),
    **dict.fromkeys(("view", "impression", "open"), VIEW),
}


_NO_CATALOGUE = Catalogue("", (), ())


class TouchKind(NamedTuple):
    """What a touch is, beside who and when. With `words` it is one as it came: what its campaign is the catalogue says
    again and again, `campaign` is what it said first, and `consented` whether the message itself consented to
    advertising. Without words it is one as it was stated, which no catalogue changes."""

    campaign: str
    network: str
    action: str
    words: Words | None = None
    consented: bool = False


class TouchKinds(Dictionary[TouchKind]):
    """The kinds of touches seen so far, and facts about each as arrays by code, by the catalogue in use."""

    def __init__(self, catalogue: Catalogue = _NO_CATALOGUE) -> None:
        super().__init__()
        self.means: Dictionary[tuple[str, str]] = Dictionary()  # (campaign, network)
        self.campaigns: Dictionary[str] = Dictionary()
        self.use(catalogue)

    def use(self, catalogue: Catalogue) -> None:
        """Look up every kind in that catalogue from now on."""
        self._catalogue = Campaigns(catalogue)
        self._facts = np.zeros((7, 0), np.int64)
        self._new = list(self._code.values())  # codes that have no facts yet

    def _place(self, word: TouchKind) -> int:
        code = super()._place(word)
        self._new.append(code)
        return code

    def _fact(self, row: int) -> NDArray[np.int64]:
        # What a kind is stated as is a kind too, and looked at in the next turn.
        while self._new:
            new, self._new = self._new, []
            looked_up = np.array([self._looked_up(self.words[code]) for code in new], np.int64).T
            more = np.zeros((7, len(self.words) - self._facts.shape[1]), np.int64)
            self._facts = np.concatenate([self._facts, more], axis=1)
            self._facts[:, new] = looked_up
        return np.asarray(self._facts[row])

    def _looked_up(self, kind: TouchKind) -> tuple[int, ...]:
        campaign = kind.campaign if kind.words is None else self._catalogue.of_touch(kind.words)
        counts = campaign and not (kind.words and self._catalogue.is_internal(campaign))
        return (
            CLASS_OF.get(kind.action, 0) if counts else 0,
            self.means.code((kind.campaign, kind.network)),
            self.campaigns.code(campaign),
            self.code(TouchKind(campaign, kind.network, kind.action)),
            self.code(TouchKind(kind.campaign, kind.network, kind.action)),
            kind.consented,
            CLASS_OF.get(kind.action, 0),
        )

    @property
    def held(self) -> dict[str, Collection[Any]]:
        """What is kept of kinds, by sort: to be measured."""
        return {"kinds": self.words, "means": self.means.words, "campaigns": self.campaigns.words, "codes": self._code}

    def keep_only(self, used: NDArray[np.int64], means: NDArray[np.int64], campaigns: NDArray[np.int64]) -> None:
        """Forget all kinds but those with the `used` codes and what they are stated as, and their means and campaigns
        but those given beside."""
        used = np.unique(np.concatenate([used, self.stated_of[used], self.written_of[used]]))
        self.means.keep(np.concatenate([self.means_of[used], means]), ("", ""))
        self.campaigns.keep(np.concatenate([self.campaign_of[used], campaigns]), "")
        self.keep(used, TouchKind("", "", ""))

    @property
    def class_of(self) -> NDArray[np.int64]:
        """The action class by kind: CLICK, ENGAGE, VIEW, or 0 where it is in no journey."""
        return self._fact(0)

    @property
    def means_of(self) -> NDArray[np.int64]:
        """The code of (campaign, network) by kind, as they came; `means` has the words."""
        return self._fact(1)

    @property
    def campaign_of(self) -> NDArray[np.int64]:
        """The code of the campaign by kind; `campaigns` has the words."""
        return self._fact(2)

    @property
    def stated_of(self) -> NDArray[np.int64]:
        """The kind that a kind is stated as."""
        return self._fact(3)

    @property
    def written_of(self) -> NDArray[np.int64]:
        """The kind, without words, that a kind was when it came."""
        return self._fact(4)

    def shown(self, kind: int) -> tuple[str, str, str]:
        """The campaign, network and action that a kind is stated as."""
        stated = self.words[self.stated_of[kind]]
        return stated.campaign, stated.network, stated.action

    @property
    def consented(self) -> NDArray[np.bool_]:
        """Whether touches of a kind consented themselves, by kind."""
        return self._fact(5) > 0

    @property
    def action_class_of(self) -> NDArray[np.int64]:
        """The action class by kind, whatever its campaign."""
        return self._fact(6)
