"""Upkeep of a ledger's memory: what the state takes, and words that nothing names any more."""

from typing import NamedTuple

import numpy as np

from streams.core.attribution.attributor import Attributor
from streams.core.attribution.conversion import used_in
from streams.core.attribution.transitions import Transitions
from streams.core.exchange.publisher import Publisher
from streams.core.exchange.state import PartitionState
from streams.core.ledger.footprint import Footprint
from streams.core.ledger.ingest import Ingest
from streams.core.rows.aggregates import Aggregates
from streams.core.rows.audiences import Audiences


class Consumers(NamedTuple):
    """The parts of a ledger, beside its state, that keep words or codes of them."""

    ingest: Ingest
    publisher: Publisher
    attributor: Attributor
    aggregates: Aggregates
    transitions: Transitions
    audiences: Audiences


class Upkeep:
    """Measures a ledger, and forgets its words."""

    def __init__(self, state: PartitionState, parts: Consumers) -> None:
        self._state, self._parts = state, parts
        self._footprint = Footprint()

    @property
    def nbytes(self) -> int:
        """The bytes that all of the state takes, as far as can be told."""
        return sum(self.by_part.values())

    @property
    def by_part(self) -> dict[str, int]:
        """The bytes of the state by part."""
        parts = self._parts
        held = self._state.held | parts.ingest.held | parts.attributor.held | {"cells": parts.aggregates.cells.words}
        sizes = {
            "state": self._state.nbytes,
            "aggregates": parts.aggregates.nbytes,
            "transitions": parts.transitions.nbytes,
            "audiences": parts.audiences.nbytes,
        }
        return sizes | {name: self._footprint.of(name, each) for name, each in held.items()}

    def forget_words(self) -> None:
        """Forget campaigns, networks and cells that nothing retained names, where there may be many. Nothing waits to
        be written then."""
        kinds, parts = self._state.kinds, self._parts
        if not (kinds.many or parts.aggregates.cells.many):
            return
        counted, means = parts.aggregates.forget_cells()
        stated = used_in(parts.attributor.statements.values())
        used = np.concatenate([counted, stated, self._state.touches.kinds(), parts.publisher.kinds()])
        kinds.keep_only(np.unique(used), np.append(means, parts.audiences.means()), parts.transitions.campaigns())
        parts.ingest.forget_words()
