"""Unwritten: what the next rows say beside the aggregates: conversions, who was seen, and who is one person."""

from collections.abc import Iterable, Sequence

from streams.core.catalogue import Holdout
from streams.core.codes import Kinds
from streams.core.conversion_rows import conversion_columns, seen_columns
from streams.core.holdout_rows import holdout_columns, link_columns
from streams.core.links import without
from streams.core.rows import Columns
from streams.core.runs import Touches, disowned
from streams.core.statements import Statement


class Unwritten:
    """Statements, the last of each conversion; `engaged` and `links` are new touches and links."""

    def __init__(self) -> None:
        self._statements: dict[tuple[str, str], Statement] = {}
        self.engaged: list[Touches] = []
        self.links: list[Touches] = []

    def state(self, statements: Iterable[Statement]) -> None:
        """Those were stated."""
        self._statements.update((statement.key, statement) for statement in statements)

    def disown(self, token: int) -> None:
        """Nothing of it is that token's (a hash)."""
        self.engaged = [disowned(touches, token) for touches in self.engaged]
        self.links = [without(links, token) for links in self.links]
        self._statements = {key: s.of_nobody() if s.user == token else s for key, s in self._statements.items()}

    def take(self, kinds: Kinds, holdouts: Sequence[Holdout]) -> dict[str, Columns]:
        """The rows of all of it, once."""
        statements, rows = list(self._statements.values()), dict[str, Columns]()
        if statements:
            rows["conversions"] = conversion_columns(statements, kinds)
        if any((touches.user != 0).any() for touches in self.engaged):
            rows["engagement_seen"] = seen_columns(self.engaged, kinds)
        if holdouts:
            rows |= holdout_columns(holdouts, self.engaged, statements, kinds) | link_columns(self.links)
        self._statements, self.engaged, self.links = {}, [], []
        return rows
