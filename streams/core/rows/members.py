"""Members: whose tokens are on which lists of customers, members or residents."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U64

BOUGHT_BEFORE = "bought before"  # of every list's people and of others: who had bought by then


class Members(NamedTuple):
    """Who is on which list, a row each: `token` hashes, sorted, and `audience`, a position in `names`."""

    names: Sequence[str]
    token: U64
    audience: I64


def members(lists: Mapping[str, Sequence[int]]) -> Members:
    """The members of those audiences, which are lists of tokens (hashes) by name."""
    token = np.concatenate([np.zeros(0, np.uint64), *(np.array(users, np.uint64) for users in lists.values())])
    audience = np.repeat(np.arange(len(lists)) + 1, [len(users) for users in lists.values()])
    order = np.argsort(token, kind="stable")
    return Members([BOUGHT_BEFORE, *lists], token[order], audience[order].astype(np.int64))


NOBODY = members({})
