"""Records mutated from real ones, of all topics and the internal ones, from one seed.

Good records are those of simulated people. Mutants come from a month of others, whose ids and campaigns begin with
`zz` and are written backwards: what is left of them counts for nobody else, so the figures of the good ones are known.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

from confluent_kafka import Producer

from streams.core.catalogue.parse import Catalogue
from streams.core.events.batch import Batch
from streams.core.events.topics import ERASURES, FORWARDED
from streams.core.exchange.seal import Seal
from streams.core.ledger.ledger import Ledger
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import request
from tests.integration.support.harness import TOKEN_KEY, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.records import Record

PARTITIONS = 2
MONTH = 3000  # records of one simulated month
EACH = 40  # good records, and mutants, of one step
ZZ = frozenset({"userId", "anonymousId", "previousId", "messageId", "order_id", "id", "name", "coupon", "source"})
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 2**63, 2**64, 10**400, "", "\0", "zz\ud800", "zz" + "x" * 300, "zz" + "😀" * 5000,
    [], {}, [[]], {"a": {}}, "1,50", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "0", "undefined", "zz\x1b[31m",
)  # fmt: skip
BYTES = (
    b"\xff\xfe",
    b"\0",
    b'"',
    b"{",
    b"[" * 600,
    b"]",
    b'{"a":' * 600,
    b"9" * 400,
    b"\xed\xa0\x80",
    b"e999",
    b"\\u0000",
)
NAMES = (b"", b"batch", b"sentAt", b"properties", b"context", b"\xff", b"__proto__")


class Sent(NamedTuple):
    """One record to send, whatever it is."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Step(NamedTuple):
    """What is sent at once: good records and mutants, in one order."""

    good: list[Record]
    bad: list[Sent]


def steps(seed: int, catalogue: Catalogue) -> Iterator[Step]:
    """All steps of a seed, without end; the catalogue is that of the worker."""
    chance = random.Random(seed)
    good, others = _month(seed, chance), _month(-seed - 1, chance)
    ledgers = [Ledger(LedgerSettings(catalogue, TOKEN_KEY.encode(), 10**13), n, PARTITIONS) for n in range(PARTITIONS)]
    while True:
        originals = [_of_others(next(others)) for _ in range(EACH)]
        internal = [*_forwarded(originals, ledgers), *_requests(chance), *_costs(chance)]
        chosen = [Sent(*record) for record in originals] + chance.choices(internal, k=EACH // 4)
        yield Step([next(good) for _ in range(EACH)], [_mutant(each, chance) for each in chosen])


def _month(seed: int, chance: random.Random) -> Iterator[Record]:
    for month in count(seed * 1000):
        month_of_people = simulated(MONTH, seed=month % 2**31, engagement=0.85, duplicates=0.05, disorder=0.1)
        yield from several_tokens(month_of_people, month)


def _of_others(record: Record) -> Record:
    value = json.dumps(_zz(json.loads(record.value or b"{}")), ensure_ascii=False).encode()
    return record._replace(key=b"zz" + (record.key or b"")[::-1], value=value)


def _zz(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _zz(inside, key) for key, inside in value.items()}
    # Backwards, or a mutation that takes two letters away would make it somebody else's.
    return f"zz{value[::-1]}" if isinstance(value, str) and name in ZZ else value


def _forwarded(records: list[Record], ledgers: list[Ledger]) -> Iterator[Sent]:
    """What two partitions of those people would tell each other."""
    seal = Seal(TOKEN_KEY.encode())
    for ledger in ledgers:
        for topic in ("engagement", "checkout", "identity"):
            values = [record.value for record in records if record.topic == topic]
            start = ledger.offsets.get(topic, 0)
            batch = Batch(topic, values, [None] * len(values), range(start, start + len(values)))
            for each in ledger.apply(batch).forwards:
                yield Sent(FORWARDED, each.key, each.value, each.target, tuple(seal.headers(each)))
        for each in ledger.publish():
            yield Sent(FORWARDED, each.key, each.value, each.target, tuple(seal.headers(each)))


def _requests(chance: random.Random) -> Iterator[Sent]:
    for _ in range(3):
        yield Sent(ERASURES, None, request(chance.getrandbits(64) or 1), chance.randrange(PARTITIONS))


def _costs(chance: random.Random) -> Iterator[Sent]:
    for _ in range(3):
        cost = {"campaign": "zz", "day": "2026-11-01", "kind": "money", "amount": "10.00", "currency": "NOK"}
        yield Sent("costs", b"zz", json.dumps(cost | {"id": f"zz{chance.getrandbits(30)}"}).encode())


def _mutant(sent: Sent, chance: random.Random) -> Sent:
    """That record with something wrong, or with nothing: a copy."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        sent = chance.choice(MUTATIONS)(sent, chance)
    return sent


def _bytes_changed(sent: Sent, chance: random.Random) -> Sent:
    raw = bytearray(sent.value or b"")
    at = chance.randrange(len(raw) + 1)
    kind = chance.randrange(4)
    if kind == 0 and raw:
        raw[at % len(raw)] = chance.randrange(256)
    elif kind == 1:
        del raw[at : at + chance.choice((1, 2, 40, 10_000))]
    elif kind == 2:
        raw[at:at] = chance.choice(BYTES)
    else:
        raw[at:at] = raw[: chance.randrange(len(raw) + 1)]
    return sent._replace(value=bytes(raw))


def _field_changed(sent: Sent, chance: random.Random) -> Sent:
    try:
        message = json.loads(sent.value or b"")
    except (ValueError, RecursionError):
        return sent
    inside = message
    while isinstance(inside, dict) and inside:
        name = chance.choice(list(inside))
        if not isinstance(inside[name], dict) or chance.random() < 0.2:
            _change(inside, name, chance)
            break
        inside = inside[name]
    return sent._replace(value=json.dumps(message, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass"))


def _change(inside: dict[str, Any], name: str, chance: random.Random) -> None:
    kind = chance.randrange(4)
    if kind == 0:
        del inside[name]
    elif kind == 1:
        inside[name] = [inside[name]] * chance.choice((1, 3))
    elif kind == 2:
        inside[chance.choice(NAMES).decode(errors="replace")] = inside.pop(name)
    else:
        inside[name] = chance.choice(VALUES)


def _key_changed(sent: Sent, chance: random.Random) -> Sent:
    return sent._replace(key=chance.choice((None, b"", b"\xff\xfe", b"zz", b"k" * 70_000, chance.randbytes(40))))


def _value_changed(sent: Sent, chance: random.Random) -> Sent:
    value = sent.value or b""
    return sent._replace(
        value=chance.choice((None, b"", b"null", b"[]", value * 3, value + b" " * 66_000, value[::-1]))
    )


def _moved(sent: Sent, chance: random.Random) -> Sent:
    topics = ("engagement", "checkout", "identity", "costs", FORWARDED, ERASURES)
    topic = sent.topic if chance.random() < 0.6 else chance.choice(topics)
    return sent._replace(topic=topic, partition=0 if topic == "costs" else chance.randrange(PARTITIONS))


def _headers_changed(sent: Sent, chance: random.Random) -> Sent:
    headers = list(sent.headers)
    if not headers or chance.random() < 0.3:
        headers.append(
            (chance.choice(("purpose", "topic", "seal", "format", "ce_id")), chance.choice((None, b"", b"x")))
        )
    elif chance.random() < 0.3:
        headers.pop(chance.randrange(len(headers)))
    else:
        at = chance.randrange(len(headers))
        headers[at] = (
            headers[at][0],
            chance.choice((None, b"", b"\xff", b"lend", b"-1", b"99999999999999999999", b"checkout")),
        )
    return sent._replace(headers=tuple(headers))


Mutation = Callable[[Sent, random.Random], Sent]
MUTATIONS: tuple[Mutation, ...] = (
    _bytes_changed, _bytes_changed, _field_changed, _field_changed, _field_changed, _key_changed, _value_changed,
    _moved, _headers_changed,
)  # fmt: skip


def send(bootstrap: str, step: Step, seed: int) -> None:
    """Send a step, its good records and mutants mixed; acknowledged when this returns."""
    everything = [*(Sent(*record) for record in step.good), *step.bad]
    order = list(range(len(everything)))
    random.Random(seed).shuffle(order)
    good = iter(range(len(step.good)))
    producer = Producer(
        {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "message.max.bytes": 8 << 20, "log_level": 2}
    )
    failed: list[Any] = []

    def noted(error: Any, _: object) -> None:
        if error:
            failed.append(error)

    for i in order:
        each = everything[next(good) if i < len(step.good) else i]  # good ones stay in their order
        place = {} if each.partition is None else {"partition": each.partition}
        producer.produce(
            each.topic,
            each.value,
            each.key,
            headers=list(each.headers),
            on_delivery=noted,
            **place,
        )
        producer.poll(0)
    assert producer.flush(60) == 0
    assert not failed, failed[0]
