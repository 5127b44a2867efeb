"""What is known and not written to ClickHouse yet, beside what is added up."""

from collections.abc import Iterable

from streams.core.attribution.conversion import Conversion
from streams.core.catalogue.parse import Catalogue
from streams.core.columns.column import Columns
from streams.core.columns.run import KeyedRows, anonymised
from streams.core.identity.links import Links
from streams.core.journeys.kinds import TouchKinds
from streams.core.rows.conversions import conversion_columns, seen_columns
from streams.core.rows.credit import Credit, PendingCredit
from streams.core.rows.holdouts import holdout_columns, link_columns


class PendingRows:
    """Engagement events, links and statements since the last rows were made."""

    def __init__(self, catalogue: Catalogue, kinds: TouchKinds) -> None:
        self._kinds = kinds
        self.use(catalogue)
        self._forget()

    def use(self, catalogue: Catalogue) -> None:
        """Go by the holdouts of that catalogue."""
        self._holdouts = catalogue.holdouts

    def _forget(self) -> None:
        self._touches: list[KeyedRows] = []
        self._links: list[Links] = []
        self._statements: dict[tuple[str, str], Conversion] = {}
        self._credit = PendingCredit()

    def engaged(self, touches: KeyedRows) -> None:
        """Have events written that were taken in."""
        self._touches.append(touches)

    def linked(self, links: Links) -> None:
        """Have written what new links change."""
        self._links.append(links)

    def stated(self, statements: Iterable[Conversion], credit: Iterable[Credit]) -> None:
        """Have statements written with their credit, in place of what was stated before."""
        self._statements.update((statement.key, statement) for statement in statements)
        for part in credit:
            self._credit.add(part, self._statements)

    def anonymise(self, token: int) -> None:
        """Nothing of it is that token's (a hash)."""
        self._touches = [anonymised(touches, token) for touches in self._touches]
        self._statements = {key: s.anonymised() if s.user == token else s for key, s in self._statements.items()}

    def rows(self) -> dict[str, Columns]:
        """The rows to write, each once."""
        rows, statements = dict[str, Columns](), list(self._statements.values())
        if statements:
            rows["conversions"] = conversion_columns(statements, self._kinds, self._credit)
        if any((touches.user != 0).any() for touches in self._touches):
            rows["engagement_seen"] = seen_columns(self._touches, self._kinds)
        if self._holdouts:
            rows |= holdout_columns(self._holdouts, self._touches, statements, self._kinds)
            rows |= link_columns(self._links)
        self._forget()
        return rows
