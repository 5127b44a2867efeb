"""Whose touches are whose: tokens by the user that they count for."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streams.core.columns.arrays import I64, U64, Mask


class TokenOwners(NamedTuple):
    """Whose touches somebody sees: those of `token[i]` are seen by the user at position `owner[i]`."""

    token: U64
    owner: I64


# The canonical token of each, and which are set apart: those that nobody, or somebody elsewhere, counts.
Resolve = Callable[[U64], tuple[U64, Mask]]


def each_alone(users: U64) -> TokenOwners:
    """Every user has one token."""
    return TokenOwners(users, np.arange(len(users)))
