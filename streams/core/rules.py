"""What a ledger goes by."""

from typing import NamedTuple

from streams.core.catalogue import Catalogue


class Rules(NamedTuple):
    """The catalogue, the secret of the token hash, how far back events are taken (ms; None = for ever), and whether
    this is a replay, which reports every conversion in its own hour."""

    catalogue: Catalogue
    token_key: bytes
    retention: int | None = None
    replay: bool = False
