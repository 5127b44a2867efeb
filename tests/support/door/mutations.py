"""Messages that went wrong on their way: examples of every format, changed at random."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from streams.core.door.canonical import END_OF_TIME, Amounts, Ignored, Item, Message
from streams.core.door.formats.snowplow import COLUMNS
from streams.core.door.recognise import FORMATS, SEGMENT, SNOWPLOW, SNOWPLOW_FIELDS

EXAMPLES = Path(__file__).parents[3] / "schemas" / "events" / "examples"
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1e308, -1e-308, 10**40, 1.5, "", " ", "0", "null", "[]", "{}", [], {}, [None], [[]],
    {"": ""}, [{}], "x" * 300, "ß\u0000\u200b\ud83d\ude00", "NaN", "1e999999", "1,299", "-5 kr", "2026-02-30T25:61:00Z",
    "2026-11-03 09:00:00", "9" * 400, "%FF%", "+", "\\", "\u2028", "0001-01-01T00:00:00Z", 253402300800000, "//", "?=&",
    "http://[::1", "https://user:pass@host:port/?utm_source=%", {"key": "x"}, {"id": {"id": {}}}, "__proto__",
)  # fmt: skip
BYTES = (b"\xff", b"\x00", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\ud83d", b"\t", b"1", b"NaN", b"\xef\xbb\xbf")
SEGMENT_CALLS: tuple[dict[str, Any], ...] = (
    {"batch": [{"type": "track", "event": "Order Completed", "properties": {"order_id": 1}}], "sentAt": 1793696400},
    {"type": "page", "timestamp": 1793696400, "context": {"page": {"url": "https://a/?utm_campaign=x&gclid=1"}}},
    {"type": "alias", "timestamp": "1793696400", "previousId": "a", "userId": "u"},
    {"type": "track", "event": "Consent Updated", "timestamp": 1793696400, "userId": "u",
     "context": {"consentManagement": {"deniedConsentIds": ["marketing"]}}},
    {"type": "track", "event": "Order Refunded", "timestamp": 1793696400, "properties": {
        "order_id": "1", "products": [{"price": 1, "quantity": 2, "coupon": "x"}], "currency": "NOK"}},
    {"type": "track", "event": "Email Opened", "timestamp": 1793696400, "properties": {"campaign": {"name": "x"}}},
)  # fmt: skip


def examples(name: str) -> list[Any]:
    """Messages of a format that are as they should be."""
    folders = ("engagement", "checkout", "identity") if name == SEGMENT else (name,)
    paths = [path for folder in folders for path in sorted((EXAMPLES / "valid" / folder).glob("*.json"))]
    found = [json.loads(path.read_bytes()) for path in paths]
    return [*found, *SEGMENT_CALLS] if name == SEGMENT else found


def mutated(name: str, seed: int) -> Iterator[bytes]:
    """Messages of a format with some mistakes each, without end; the same for the same seed."""
    random = Random(seed)
    good = examples(name)
    others = [message for other in FORMATS for message in examples(other)]
    while True:
        message = deepcopy(random.choice(good if random.random() < 0.98 else others))
        for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
            message = _changed(message, random)
        if name == SNOWPLOW and random.random() < 0.4:
            yield _damaged(_line(message, random), random)
        else:
            yield _damaged(
                json.dumps(message, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass"), random
            )


def _changed(message: Any, random: Random) -> Any:
    """One value, somewhere in it, is another, is gone, or stands elsewhere."""
    places = list(_places(message))
    if not places:
        return deepcopy(random.choice(ODD))
    parent, key = random.choice(places)
    what = random.random()
    if what < 0.6:
        parent[key] = deepcopy(random.choice(ODD))
    elif what < 0.75:
        del parent[key]
    elif what < 0.9:
        other, at = random.choice(places)
        parent[key] = deepcopy(other[at]) if _has(other, at) else None
    else:
        parent[key] = [parent[key]]
    return message


def _has(parent: Any, key: Any) -> bool:
    return key in parent if isinstance(parent, dict) else key < len(parent)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a message, as its parent and its key or index."""
    keys: Any = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _line(message: Any, random: Random) -> bytes:
    """A line of tab-separated values, rarely with too few or too many."""
    columns = [""] * (SNOWPLOW_FIELDS + random.choice((0, 0, 0, 0, 1, -1)))
    for name, at in COLUMNS.items():
        said = message.get(name) if isinstance(message, dict) else None
        if said is not None and at < len(columns):
            columns[at] = said if isinstance(said, str) else json.dumps(said)
    return "\t".join(columns).encode("utf-8", "surrogatepass")


def _damaged(raw: bytes, random: Random) -> bytes:
    """In one of ten, bytes are missing, added or repeated."""
    if random.random() < 0.9:
        return raw
    at = random.randrange(len(raw) + 1)
    return random.choice(
        (raw[:at], raw[at:], raw[:at] + random.choice(BYTES) + raw[at:], raw + raw, raw[:at] + raw[at + 3 :])
    )


def sound(item: Item) -> bool:
    """Whether an item is something that the contract knows, and every value in it is in its range."""
    if item.rejected is not None:
        return not item.events and item.rejected.reason in ("malformed", "oversized")
    return bool(item.events) and all(map(_is_sound, item.events))


def _is_sound(event: Any) -> bool:
    if isinstance(event, Ignored):
        return len(event.name) <= 64
    message: Message = event.message
    amounts: Amounts = getattr(event, "amounts", Amounts())
    return (
        0 <= message.time < END_OF_TIME
        and 0 < len(message.message_id) <= 256
        and all(a is None or 0 <= a < 10**18 for a in amounts[:3])
        and len(getattr(event, "currency", "")) in (0, 3)
    )
