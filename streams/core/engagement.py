"""Engagement events as columns: from decoded events to touches."""

from collections.abc import Sequence

import numpy as np

from streams.core.catalogue import Catalogue
from streams.core.codes import Kind, Kinds
from streams.core.events import CampaignContext, Engagement, denied
from streams.core.message_ids import MessageIds
from streams.core.runs import I64, Mask, Touches
from streams.core.tokens import Tokens, tokens_of

_CACHED = 100_000  # raw kinds remembered; whoever makes up more of them only costs time
_NO_CAMPAIGN = CampaignContext()


class EngagementColumns:
    """Turns events into touches with the catalogue's campaigns, hashed tokens, coded kinds and message keys."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens, kinds: Kinds, ids: MessageIds) -> None:
        self._catalogue, self._tokens, self._kinds, self._ids = catalogue, tokens, kinds, ids
        self._coded: dict[tuple[str | None, ...], int] = {}

    def touches(self, events: Sequence[Engagement], time: I64) -> tuple[Touches, Mask]:
        """One row an event at its `time` (ms), the user 0 without a token or consent; which events deny consent."""
        refused = np.array([denied(event) for event in events], np.bool_)
        user = self._tokens.hashes(tokens_of(events))
        user[refused] = 0
        kind = np.fromiter(map(self._kind, events), np.uint32, len(events))
        keys = self._ids.keys([event.message_id for event in events])
        return Touches(user, time, kind, keys), refused

    def _kind(self, event: Engagement) -> int:
        properties, context = event.properties, event.context
        campaign = (context.campaign if context else None) or _NO_CAMPAIGN
        raw = (campaign.id, campaign.name, properties.coupon, properties.network, properties.action)
        code = self._coded.get(raw)
        if code is None:
            if len(self._coded) >= _CACHED:
                self._coded.clear()
            resolved = self._catalogue.resolve(campaign.id, campaign.name, properties.coupon)
            word = Kind(resolved, properties.network.lower(), properties.action)
            code = self._coded[raw] = self._kinds.code(word)
        return code
