"""Rows of `holdout_users`: who was seen while a campaign with a holdout ran, and in which group they are; and of
`token_links`: which of them are one person."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from streams.core.attribution.conversion import Conversion, column
from streams.core.catalogue.parse import Holdout
from streams.core.columns.arrays import I64, U64
from streams.core.columns.column import Columns
from streams.core.columns.concat import joined
from streams.core.columns.dictionary import coded
from streams.core.columns.run import KeyedRows, concatenated, none
from streams.core.identity.links import NOBODY, Links
from streams.core.journeys.kinds import TouchKinds
from streams.core.lift.holdout import held
from streams.core.parsing.units import DAY

_EPOCH = date(1970, 1, 1)


class _Seen(NamedTuple):
    """Sightings: of which user, on which day (since the epoch), of which campaign (its code, -1 = in a conversion)."""

    user: U64
    day: I64
    campaign: I64


def holdout_columns(
    holdouts: Sequence[Holdout], touches: Sequence[KeyedRows], statements: Sequence[Conversion], kinds: TouchKinds
) -> dict[str, Columns]:
    """One row a user and day in which they were seen, for each holdout whose campaign ran then."""
    engaged = concatenated([none(), *touches])
    buyers = np.fromiter((s.user for s in statements), np.uint64, len(statements))
    seen = _Seen(
        np.concatenate([engaged.user, buyers]),
        np.concatenate([engaged.time, column(statements, "time")]) // DAY,
        np.concatenate([kinds.campaign_of[engaged.kind], np.full(len(buyers), -1)]),
    )
    parts = [part for holdout in holdouts if len((part := _rows(holdout, seen, kinds))["user"])]  # type: ignore[arg-type]
    return dict(joined([{"holdout_users": part} for part in parts]))


def link_columns(parts: Sequence[Links]) -> dict[str, Columns]:
    """One row a link (streams/core/identity/links.py); what a token stands for follows from all, in any order. Who
    has too many users to keep is linked to nobody, and to itself: two users make it ambiguous."""
    links = Links.joined(parts)
    crowds = links.anonymous[links.user_id == NOBODY]
    token, user = np.concatenate([links.anonymous, crowds]), np.concatenate([links.user_id, crowds])
    return {"token_links": {"token": token, "user": user}} if len(token) else {}


def _rows(holdout: Holdout, seen: _Seen, kinds: TouchKinds) -> Columns:
    campaign = holdout.campaign
    first, last = (_day(campaign.start, 0), _day(campaign.end, 1 << 40))
    running = np.flatnonzero((seen.user != 0) & (seen.day >= first) & (seen.day <= last))
    running = running[np.lexsort((seen.day[running], seen.user[running]))]
    user, day, of = seen.user[running], seen.day[running], seen.campaign[running]
    opens = np.flatnonzero(np.concatenate(([True], (user[1:] != user[:-1]) | (day[1:] != day[:-1])))[: len(user)])
    flags = (of >= 0, of == kinds.campaigns.code(campaign.id))
    engaged, exposed = (np.logical_or.reduceat(flag, opens).astype(np.int64) if len(opens) else opens for flag in flags)
    same = np.zeros(len(opens), np.int64)
    return {
        "campaign": coded([campaign.id], same),
        "salt": coded([holdout.salt], same),
        "user": user[opens],
        "day": day[opens],
        "held": held(holdout, user[opens]).astype(np.int64),
        "engaged": engaged,
        "exposed": exposed,
    }


def _day(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else (day - _EPOCH).days
