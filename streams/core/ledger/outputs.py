"""What a ledger gives to be written: aggregates, rows of conversions and touches, transitions, audiences."""

from collections.abc import Collection, Sequence
from functools import partial

import numpy as np

from streams.core.attribution.conversion import Conversion
from streams.core.attribution.transitions import ForeignConversion, Transitions
from streams.core.catalogue.model import Catalogue
from streams.core.columns.arrays import Mask
from streams.core.columns.column import Columns
from streams.core.columns.run import KeyedRows
from streams.core.exchange.state import PartitionState
from streams.core.identity.consents import Denials
from streams.core.identity.links import Links
from streams.core.journal.segment import Segment
from streams.core.ledger.settings import LedgerSettings
from streams.core.rows.aggregates import Aggregates
from streams.core.rows.audiences import Audiences
from streams.core.rows.pending import PendingRows

Pairs = Sequence[tuple[Conversion, Conversion | None]]


class Outputs:
    """All that is to be written of one partition."""

    def __init__(self, state: PartitionState, rules: LedgerSettings, partition: int) -> None:
        self._state, self._partition, self._catalogue = state, partition, rules.catalogue
        origin, catalogue, kinds = "replay" if rules.replay else "live", rules.catalogue, state.kinds
        self.aggregates = Aggregates(kinds, origin, partition)
        self.transitions = Transitions(catalogue, kinds, origin, partition)
        self.audiences = Audiences(state, partition)
        self._unwritten = PendingRows(catalogue, kinds)

    def use(self, catalogue: Catalogue) -> None:
        """Go by that catalogue from now on."""
        self._catalogue = catalogue
        self._unwritten.use(catalogue)
        self.transitions.use(catalogue)
        self.audiences.mark()

    def mark(self) -> None:
        """Have counted anew what is counted from the whole state."""
        self.transitions.mark()
        self.audiences.mark()

    def engaged(self, hour: int, touches: KeyedRows) -> None:
        """Count new touches, reported in that hour (since the epoch)."""
        self.aggregates.engaged(hour, touches.time, touches.kind)
        self._unwritten.engaged(touches)

    def linked(self, links: Links) -> None:
        """Write of new links what they say of who is held out."""
        if len(links.anonymous):
            self._unwritten.linked(links)

    def stated(self, hour: int, pairs: Pairs) -> None:
        """Count conversions stated in that hour, each with the statement it takes the place of."""
        credit = self.aggregates.stated(hour, pairs)
        self._unwritten.stated([statement for statement, _ in pairs], credit)

    def anonymise(self, tokens: Sequence[int]) -> None:
        """Write nothing more of erased tokens (hashes)."""
        for token in tokens:
            self._unwritten.anonymise(token)
            self.audiences.forget(token)
            self.transitions.mark()

    def fold(self, segment: Segment, touches: KeyedRows, pairs: Pairs, hour: int | None, unwritten: bool) -> None:
        """Take in a restored segment, its new touches and its statements; `hour` is None where it is not open, and
        `unwritten` says of an open one that ClickHouse may not have it."""
        self._unwritten.linked(segment.new_links)  # all of them: the catalogue may have a holdout only now
        if hour is not None:
            self.aggregates.engaged(hour, touches.time, touches.kind)
            credit = self.aggregates.stated(hour, pairs)
            if unwritten:
                self._unwritten.engaged(touches)
                self._unwritten.stated(segment.statements, credit)

    def restored(self, anything: bool) -> None:
        """The state is another's now, with `anything` in it."""
        self.transitions.restored()
        if anything:
            self.audiences.restored()

    def count(self, statements: Collection[Conversion], since: int, now: int | None, changed: bool) -> bool:
        """Count journeys and audiences anew where something has `changed` and it is time to at `now`; what lies before
        `since` stays. Times in ms. Whether the journeys are counted, and the audiences with them: touches that nothing
        else needs may be forgotten."""
        if changed:
            self.mark()
        journeys = self.transitions.due(now)
        audiences = self.audiences.due(now, at_once=journeys)
        if not (journeys or audiences):
            return False
        denied = self._denials()
        elsewhere = self._bought_elsewhere(denied)
        if journeys:  # of those that lie in several partitions, the user's counts
            resolve = partial(self._state.linking.links.resolve_at, self._partition)
            allowed = partial(self._allowed, denied) if denied else None
            self.transitions.count(self._state.touches, statements, since, now, resolve, allowed, elsewhere)
        if audiences:
            self.audiences.count(list(statements), elsewhere, since, now)
        return journeys

    def _denials(self) -> Denials | None:
        """Who denied advertising when; None where nobody said anything of it."""
        consents = self._state.consents
        return consents.denials(self._state.linking.links.resolve) if len(consents) else None

    def _bought_elsewhere(self, denied: Denials | None) -> list[ForeignConversion]:
        """The conversions of users here that other partitions state; none that had been denied."""
        bought = list(self._state.subscriptions.bought(self._catalogue.goals))
        return _undenied(bought, denied) if denied else bought

    def _allowed(self, denied: Denials, touches: KeyedRows) -> Mask:
        """Which touches, of canonical tokens, nobody had denied when they were made."""
        return np.asarray(~denied(touches.user, touches.time) | self._state.kinds.consented[touches.kind])

    def changes(self, version: int) -> dict[str, Columns]:
        """The rows of every table for what changed since the last call, as absolute values."""
        found = self.aggregates.changes(version) | self.transitions.changes(version) | self._unwritten.rows()
        return found | self.audiences.changes(version)


def _undenied(bought: Sequence[ForeignConversion], denied: Denials) -> list[ForeignConversion]:
    """The conversions that are somebody's: advertising was not denied then, or they consent themselves."""
    user = np.fromiter((each.user for each in bought), np.uint64, len(bought))
    time = np.fromiter((each.time for each in bought), np.int64, len(bought))
    pairs = zip(bought, denied(user, time).tolist(), strict=True)
    return [each for each, refused in pairs if not refused or each.denied is False]
