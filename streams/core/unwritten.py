"""What is known and not written to ClickHouse yet, beside what is added up."""

from collections.abc import Iterable

from streams.core.catalogue import Catalogue
from streams.core.codes import Kinds
from streams.core.conversion_rows import conversion_columns, seen_columns
from streams.core.holdout_rows import holdout_columns, link_columns
from streams.core.rows import Columns
from streams.core.runs import Touches, disowned
from streams.core.statements import Statement


class Unwritten:
    """Engagement events, links and statements since the last rows were made."""

    def __init__(self, catalogue: Catalogue, kinds: Kinds) -> None:
        self._holdouts, self._kinds = catalogue.holdouts, kinds
        self._forget()

    def _forget(self) -> None:
        self._touches: list[Touches] = []
        self._links: list[Touches] = []
        self._statements: dict[tuple[str, str], Statement] = {}

    def engaged(self, touches: Touches) -> None:
        """Those events were taken in."""
        self._touches.append(touches)

    def linked(self, links: Touches) -> None:
        """Those links were noted."""
        self._links.append(links)

    def stated(self, statements: Iterable[Statement]) -> None:
        """Those take the place of what was stated before."""
        self._statements.update((statement.key, statement) for statement in statements)

    def disown(self, token: int) -> None:
        """Nothing of it is that token's (a hash)."""
        self._touches = [disowned(touches, token) for touches in self._touches]
        self._statements = {key: s.of_nobody() if s.user == token else s for key, s in self._statements.items()}

    def rows(self) -> dict[str, Columns]:
        """The rows to write, each once."""
        rows, statements = dict[str, Columns](), list(self._statements.values())
        if statements:
            rows["conversions"] = conversion_columns(statements, self._kinds)
        if any((touches.user != 0).any() for touches in self._touches):
            rows["engagement_seen"] = seen_columns(self._touches, self._kinds)
        if self._holdouts:
            rows |= holdout_columns(self._holdouts, self._touches, statements, self._kinds)
            rows |= link_columns(self._links)
        self._forget()
        return rows
