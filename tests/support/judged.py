"""What the oracle says of records, and whether a database says the same."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, NamedTuple

from streams.core.catalogue.parse import parse
from streams.core.door import reader as door
from streams.core.door import sources_toml
from streams.core.door.canonical import Ignored as Canonical
from streams.core.door.fields.ids import made_of
from streams.core.door.fields.json_fields import message_object
from streams.core.events.watermark import DeadLetter as DeadLetterSent
from streams.core.identity.tokens import Tokens
from streams.core.ledger.settings import LedgerSettings
from tests.oracle import Result, run
from tests.oracle.credit import MODELS, ONE
from tests.oracle.door.meanings import Event, Ignored, meaning
from tests.oracle.door.messages import DeadLetter, items, read
from tests.oracle.settings import Catalogue, Sources
from tests.support.driver import KEY
from tests.support.site.site_words import CATALOGUE, SOURCES
from tests.support.tables import Database


def made(text: str) -> str:
    """The id of a message without one: how it is made the contract leaves open."""
    return made_of(message_object(text.encode()))


def expected(
    stream: Iterable[tuple[str, bytes | None]], catalogue: str = CATALOGUE, sources: str | None = None
) -> Result:
    """The final tables after those records (topic, value); by default those of a site, with its sources."""
    records = ((topic, None, value, ()) for topic, value in stream)
    return run(records, catalogue, sources or (SOURCES if catalogue == CATALOGUE else None), made)


def ids_of(letters: Iterable[DeadLetterSent], reason: str) -> set[str]:
    """The ids of the messages that are dead letters for that reason."""
    values = (letter.value or b"" for letter in letters if letter.reason == reason)
    readings = LedgerSettings(parse(CATALOGUE), b"", sources=sources_toml.parse(SOURCES))
    items = (item for value in values for item in door.read(value, door.NO_HEADERS, readings.reading("events")))
    return {event.message.message_id for item in items for event in item.events if not isinstance(event, Canonical)}


class Judgement(NamedTuple):
    """What the oracle says of one record: why it is a dead letter ('' = it is none), when its last event was (ms since
    1970), and which orders it completes: (event, order id, token)."""

    reason: str = ""
    latest: int = 0
    completed: tuple[tuple[str, str, str], ...] = ()


@lru_cache(100_000)
def judged(topic: str, value: bytes | None, catalogue: str) -> Judgement:
    """What becomes of a record, whatever others there are: what is asked again, or was sent twice, is read once."""
    try:
        events = list(_meant(topic, value, catalogue))
    except DeadLetter as reason:
        return Judgement(str(reason))
    latest = max((event.message.time for event in events), default=0)
    completions = (event for event in events if event.kind == "completion")
    return Judgement(
        "", latest, tuple((event.name, event.ids.get("order_id", ""), event.token) for event in completions)
    )


def _meant(topic: str, value: bytes | None, catalogue: str) -> Iterator[Event]:
    """The events that a record is; none of what is ignored. Raises DeadLetter where a message of it is one."""
    goals, sources = _settings(catalogue)
    for text, sent_at in items(sources, topic, value):
        if isinstance(text, DeadLetter):
            raise text
        with suppress(Ignored):
            yield meaning(goals, sources, read(sources, topic, text, sent_at, made))


@cache
def _settings(catalogue: str) -> tuple[Catalogue, Sources]:
    return Catalogue(catalogue), Sources(None)


def check(database: Database, result: Result) -> None:
    """Fail where a database does not say what the oracle does."""
    tokens = Tokens(KEY)
    assert database.goal_attribution() == result.goal_attribution
    assert database.engagement_counts() == dict(result.engagement_counts)
    assert database.path_transitions() == result.path_transitions
    conversions = {key: row for key, row in database.conversions().items() if key in result.conversions}
    wanted: dict[Any, Any] = {key: dict(row) for key, row in result.conversions.items()}
    for row in wanted.values():
        row["user"] = tokens.hash(row["user"])
    assert conversions == wanted
    withdrawn = [row for key, row in database.conversions().items() if key not in result.conversions]
    assert all(row["status"] == "reversed" and row["value"] == 0 for row in withdrawn)


def assert_adds_up(result: Result) -> None:
    """Credit and value add up exactly, by each model: in each conversion, and over all of them."""
    for row in result.conversions.values():
        whole = 0 if row["status"] == "reversed" or row["reason"] else ONE
        assert {model: sum(row["credit"][model]) for model in MODELS} == dict.fromkeys(MODELS, whole)
    for model in MODELS:
        figures = [row for key, row in result.goal_attribution.items() if key[2] == model]
        assert sum(row[0] + row[2] for row in figures) == ONE * len(result.conversions)
        assert sum(row[1] for row in figures) == sum(row["value"] for row in result.conversions.values())
        assert sum(row[3] for row in figures) == sum(row["reversed_value"] for row in result.conversions.values())
