"""Holdouts: which users a campaign is not shown to, by a hash that is the same in every process with the key.

A site asks the same question before it shows a campaign, of the token that it sends with its events:

    Holdouts(parse(Path("catalogue.toml").read_text("utf-8")), token_key).of(token)
"""

from fractions import Fraction
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from streams.core.catalogue.parse import Catalogue, Holdout
from streams.core.columns.arrays import U64, Mask
from streams.core.identity.tokens import Tokens

_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Holdouts:
    """The holdouts of a catalogue, for tokens as people know them; `token_key` is the secret of the token hash."""

    def __init__(self, catalogue: Catalogue, token_key: bytes) -> None:
        self._holdouts, self._tokens = catalogue.holdouts, Tokens(token_key)

    def of(self, token: str) -> frozenset[str]:
        """The ids of the campaigns that are not to be shown to that token."""
        user = np.array([self._tokens.hash(token)], np.uint64)
        return frozenset(h.campaign.id for h in self._holdouts if token and held(h, user).all())


def held(holdout: Holdout, users: U64) -> Mask:
    """Which of the users (token hashes, not 0) belong to it: their hash, mixed with the salt's, is in the lowest
    `share` of all 64-bit numbers."""
    salt = np.uint64(int.from_bytes(blake2b(holdout.salt.encode(), digest_size=8).digest(), "little"))
    return np.asarray(_mixed(users ^ salt) < np.uint64(int(Fraction(holdout.share) * 2**64)))


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The last steps of SplitMix64 (Steele, Lea and Flood 2014): one to one, every bit depends on every bit."""
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        numbers = (numbers ^ (numbers >> shift)) * factor
    return numbers ^ (numbers >> _SHIFTS[2])
