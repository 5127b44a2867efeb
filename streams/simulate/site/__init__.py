"""A month of a real site, seeded: what it sends through one topic, dirt and all, and the truth beside it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from random import Random
from typing import Any

from streams.core.parsing.units import DAY
from streams.simulate.envelopes import Simulated
from streams.simulate.site.dirt import soiled, unusable
from streams.simulate.site.orders import Purchase
from streams.simulate.site.people import stories
from streams.simulate.site.stories import HOUR, Sent
from streams.simulate.site.truth import Told, conversions
from streams.simulate.site.words import SOURCES, catalogue

__all__ = ["Month", "Site", "month", "write"]

EVENTS = "events"
_BATCHED = 0.15  # of the messages: sent by what collects them first


@dataclass(frozen=True)
class Site:
    """What is simulated: about so many messages; shares are 0..1. `disorder` of them arrive hours late, `duplicates`
    come twice, `dirt` is written as careless programs do; `buyers` are of the visitors."""

    events: int = 100_000
    seed: int = 1
    start: date = date(2026, 10, 1)
    days: int = 31
    duplicates: float = 0.01
    disorder: float = 0.03
    dirt: float = 0.0
    buyers: float = 0.4

    def __post_init__(self) -> None:
        if not all(0 <= share <= 1 for share in (self.duplicates, self.disorder, self.dirt, self.buyers)):
            raise ValueError("a share of a site is outside 0..1; 0.05 means 5 %")
        if self.events < 0 or self.days < 1:
            raise ValueError("a site needs events >= 0 and days >= 1")

    @property
    def begin(self) -> int:
        """The first instant, ms."""
        return int(datetime.combine(self.start, time(), UTC).timestamp()) * 1000


@dataclass
class Month:
    """Records in the order of arrival, and the truth of them."""

    records: list[Simulated]
    truth: dict[str, Any] = field(default_factory=dict)


def month(site: Site) -> Month:
    """What a site sends, and what is true of it; equal for equal sites."""
    rng = Random(site.seed)
    sent, orders = _happened(rng, site)
    for message in sent:
        if message.raw is None and rng.random() < site.dirt:
            soiled(rng, message)
    told, records = Told(), list[Simulated]()
    for line, (record, parts) in enumerate(_recorded(rng, site, sent), 1):
        records.append(record)
        for message, again in parts:
            told.add(message, line, again)
    return Month(records, {"orders": list(conversions(orders)), **told.all()})


def write(out: Path, site: Site) -> Month:
    """Write events.ndjson, catalogue.toml, sources.toml and truth.json into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    made = month(site)
    (out / "events.ndjson").write_bytes(b"".join(record.value + b"\n" for record in made.records))
    (out / "catalogue.toml").write_text(catalogue(site.start, site.days), encoding="utf-8")
    (out / "sources.toml").write_text(SOURCES, encoding="utf-8")
    (out / "truth.json").write_text(json.dumps(made.truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return made


def _happened(rng: Random, site: Site) -> tuple[list[Sent], list[Purchase]]:
    """All messages, and all orders; the last days are for what becomes of orders."""
    begin, end = site.begin, site.begin + site.days * DAY - min(4, site.days - 1) * DAY
    sent: list[Sent] = []
    orders: list[Purchase] = []
    number = 0
    while len(sent) < site.events:
        visitors, bought = stories(rng, number, begin, max(end, begin + HOUR), site.buyers)
        sent += [message for visitor in visitors for message in visitor.sent]
        orders += bought
        number += 1
    if site.dirt:
        sent += unusable(rng, len(sent), begin, begin + site.days * DAY)
    return sent, orders


def _recorded(rng: Random, site: Site, sent: list[Sent]) -> Iterator[tuple[Simulated, list[tuple[Sent, bool]]]]:
    """Records as they arrive, each with its messages and whether they came before."""
    arriving: list[tuple[int, int, Sent, bool]] = []
    for n, message in enumerate(sent):
        late = rng.randrange(HOUR, 9 * HOUR) if rng.random() < site.disorder else rng.randrange(3_000)
        arriving.append((message.time + late, n, message, False))
        if rng.random() < site.duplicates:
            arriving.append((message.time + late + rng.randrange(1, HOUR), n, message, True))
    arriving.sort(key=lambda arrival: arrival[:2])
    waiting: list[tuple[Sent, bool]] = []
    for _, _, message, again in arriving:
        if message.raw is None and rng.random() < _BATCHED:
            waiting.append((message, again))
        else:
            yield Simulated(EVENTS, message.key, message.raw or _text(message)), [(message, again)]
        if len(waiting) == 5:
            yield _batch(waiting), waiting
            waiting = []
    if waiting:
        yield _batch(waiting), waiting


def _batch(parts: list[tuple[Sent, bool]]) -> Simulated:
    texts = b",".join(_text(message) for message, _ in parts)
    return Simulated(EVENTS, parts[0][0].key, b'{"batch":[%b],"sentAt":"2026-10-01T00:00:00Z","writeKey":"k"}' % texts)


def _text(sent: Sent) -> bytes:
    """JSON as SDKs write it; half a surrogate pair as JavaScript escapes it."""
    try:
        return json.dumps(sent.message, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(sent.message, separators=(",", ":")).encode()
