"""People known by several tokens: simulated records in which browsers and log-ins are told apart, and linked."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

from tests.integration.support.records import Record

LINKED, SHARED = 0.6, 0.05  # shares of the browsers that identity messages link to a user, and to somebody else too
WAYS = ("browser", "user", "user", "both")  # which ids an event has


def several_tokens(records: Sequence[Record], seed: int) -> list[Record]:
    """The records, most of them with one of their two ids alone, and identity messages anywhere among them. What is
    sent twice is changed in the same way; half of the people never have both ids in one event."""
    pairs = sorted({pair for record in records if all(pair := _ids(record))})
    since = min(json.loads(record.value or b"")["timestamp"] for record in records)  # in time, wherever it is inserted
    chance = random.Random(seed)
    found = [_told_apart(record, seed) for record in records]
    for user, browser in pairs:
        people = [user] * (chance.random() < LINKED) + [f"sister of {user}"] * (chance.random() < SHARED)
        for who in people:
            found.insert(chance.randrange(len(found) + 1), _identify(browser, who, since))
    return found


def _ids(record: Record) -> tuple[str, str]:
    message = json.loads(record.value or b"")
    return message.get("userId") or "", message.get("anonymousId") or ""


def _told_apart(record: Record, seed: int) -> Record:
    user, browser = _ids(record)
    if not user or not browser:
        return record
    message = json.loads(record.value or b"")
    way = random.Random(f"{seed} {message['messageId']}").choice(WAYS)
    if way == "browser":
        message["userId"] = None
    elif way == "user" or user[-1] in "02468":
        del message["anonymousId"]
    key = (message["userId"] or browser).encode()
    return record._replace(key=key, value=_text(message))


def _identify(browser: str, user: str, time: str) -> Record:
    ids = {"messageId": f"{browser} is {user}", "anonymousId": browser, "userId": user}
    message = {"type": "identify", "timestamp": time, **ids}
    return Record("identity", browser.encode(), _text(message))


def _text(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
