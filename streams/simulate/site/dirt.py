"""Dirt: good messages as odd programs write them, whose meaning stays, and a few that nobody can use."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from streams.simulate.site.stories import Sent, written

_NOBODY = ("undefined", "null", "gjest", "[object Object]", "00000000-0000-0000-0000-000000000000", "Anonymous", 0)
_TOUCH = {"type": "track", "event": "Social Interaction", "anonymousId": "bad", "messageId": "bad-1"}
_ONE_IN = 20_000  # messages of each kind that nobody can use


def soiled(rng: Random, sent: Sent) -> None:
    """Write a message as some program would that is careless: it means what it meant."""
    rng.choice(_KINDS)(rng, sent)


def _php(rng: Random, sent: Sent) -> None:
    """Empty objects are lists, and empty texts stand for none."""
    sent.message |= {"integrations": [], "traits": []}
    if not sent.message.get("properties"):
        sent.message["properties"] = rng.choice(([], "", None))


def _nobody(rng: Random, sent: Sent) -> None:
    if not sent.message.get("userId"):
        sent.message["userId"] = rng.choice(_NOBODY)


def _spaces(rng: Random, sent: Sent) -> None:
    for key in ("userId", "anonymousId"):
        if isinstance(sent.message.get(key), str):
            sent.message[key] = f" {sent.message[key]}\n"


def _number(rng: Random, sent: Sent) -> None:
    if str(sent.message.get("userId", "")).isdecimal():
        sent.message["userId"] = int(sent.message["userId"])


def _milliseconds(rng: Random, sent: Sent) -> None:
    sent.message["timestamp"] = rng.choice((sent.time, str(sent.time)))


def _otherwise(rng: Random, sent: Sent) -> None:
    """A time in Oslo's winter, with a space and without a colon in its zone."""
    local = written(sent.time + 3_600_000).removesuffix("Z").replace("T", " ")
    sent.message["timestamp"] = f"{local}{rng.choice(('+01:00', '+0100'))}"


def _no_time(rng: Random, sent: Sent) -> None:
    sent.message |= {"timestamp": rng.choice(("yesterday", None)), "originalTimestamp": written(sent.time)}
    if sent.message["timestamp"]:
        sent.left_out("timestamp")


def _no_id(rng: Random, sent: Sent) -> None:
    if not sent.unsettled:
        sent.message["messageId"] = rng.choice((None, "", "undefined"))
        sent.message["context"]["nonce"] = rng.getrandbits(64)


def _campaign(rng: Random, sent: Sent) -> None:
    """A field that is no object costs the field."""
    if sent.outcome in ("accepted", "no_consent") and "campaign" not in sent.message["context"] and _says(sent):
        sent.message["context"]["campaign"] = rng.choice((7, "autumn", ["autumn"], True))
        sent.left_out("context.campaign")


def _says(sent: Sent) -> bool:
    """Whether the campaign of a message is read at all."""
    name = str(sent.message.get("event", "")).replace("_", " ").casefold()
    return sent.message["type"] in ("page", "screen") or name in ("order completed", "social interaction")


def _half_a_character(rng: Random, sent: Sent) -> None:
    """A title that JavaScript cut in the middle of an emoji."""
    sent.message["context"]["title"] = "Ull \ud83e"


def _much(rng: Random, sent: Sent) -> None:
    """Fields that nobody asked for, nested and long."""
    nested: Any = "x"
    for _ in range(40):
        nested = {"more": [nested]}
    sent.message["context"] |= {"traits": nested, "note": "å" * 2000, "none": {}, "nan": "NaN"}


_KINDS: tuple[Callable[[Random, Sent], None], ...] = (
    _php, _nobody, _spaces, _number, _milliseconds, _otherwise, _no_time, _no_id, _campaign, _half_a_character, _much,
)  # fmt: skip


def unusable(rng: Random, messages: int, begin: int, end: int) -> Iterator[Sent]:
    """The few that become dead letters: one of each kind for so many messages; times from `begin` to `end`, ms."""
    for n in range(-(-messages // _ONE_IN)):
        for raw, reason in _bad(n):
            yield Sent(rng.randrange(begin, end), "", {}, "dead_letter", reason, raw=raw)


def _bad(n: int) -> Iterator[tuple[bytes, str]]:
    time = {"timestamp": "2026-10-01T12:00:00Z", "anonymousId": f"bad-{n}"}
    yield b'{"type":"page","anonymousId":"cut sho', "malformed"
    yield (
        b'{"type":"page","anonymousId":"latin-1","title":"bl\xe5 ull","timestamp":"2026-10-01T12:00:00Z"}',
        "malformed",
    )
    yield b'"a text"', "malformed"
    yield json.dumps({"type": "Page View", **time}).encode(), "malformed"
    yield json.dumps({"type": "page", "anonymousId": "no time", "timestamp": "soon"}).encode(), "malformed"
    yield json.dumps(_TOUCH | time | {"properties": {"action": "poke", "network": "facebook"}}).encode(), "malformed"
    yield json.dumps({"type": "page", **time, "title": "x" * 70_000}).encode(), "oversized"
