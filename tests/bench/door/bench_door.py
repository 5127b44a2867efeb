"""What it costs to read messages, against the decoder of plain touches and orders: interleaved, best of several.

python tests/bench/door/bench_door.py [records]
"""

import json
import sys
import time
from collections.abc import Callable, Sequence

from streams.core.door.context import Reading
from streams.core.door.plain.batches import BatchReader
from streams.simulate import Scenario, generate
from tests.bench.door.plain_decoder import checkouts, denied, engagements, times

ROUNDS, BATCH = 7, 2000
READING = Reading({"order completed": "Order Completed"}, where=("new_customer",))


def engagement_columns(values: Sequence[bytes]) -> object:
    """What the decoder of plain touches and the columns' builder do for a batch, as far as the door does it."""
    codes: dict[tuple[object, ...], int] = {}
    events = engagements(values)
    moments = times([event.timestamp for event in events])  # type: ignore[union-attr]

    def code(event: object) -> int:
        properties, context = event.properties, event.context  # type: ignore[attr-defined]
        campaign = context.campaign if context else None
        said = campaign and campaign.id, campaign and campaign.name, properties.coupon, properties.network
        return codes.setdefault((*said, properties.action), len(codes))

    kinds = list(map(code, events))
    ids = [event.message_id for event in events]  # type: ignore[union-attr]
    tokens = [event.user_id or event.anonymous_id or "" for event in events]  # type: ignore[union-attr]
    return moments, kinds, ids, tokens, [denied(event) for event in events]  # type: ignore[arg-type]


def pages(records: int) -> list[bytes]:
    """Page calls as analytics.js sends them, one in ten of which says where its visitor came from."""
    found = []
    for i in range(records):
        came = f"?utm_source=facebook&utm_medium=paid&utm_campaign=c{i % 7}&fbclid=Iw{i}" if i % 10 == 0 else ""
        page = {"path": f"/p/{i % 500}", "referrer": f"https://shop.example/p/{i % 400}", "search": came,
                "title": "Example shop", "url": f"https://shop.example/p/{i % 500}{came}"}  # fmt: skip
        message = {
            "type": "page", "channel": "browser", "anonymousId": f"b815e6bf-7a3c-4b1e-9d2f-{i % 5000:012}",
            "userId": None, "messageId": f"ajs-next-{i}", "integrations": {}, "name": None, "properties": page,
            "context": {"library": {"name": "analytics.js", "version": "next-1.70.0"}, "locale": "nb-NO",
                        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "page": page},
            "originalTimestamp": "2026-11-02T09:00:00.000Z", "sentAt": "2026-11-02T09:00:00.000Z",
            "receivedAt": "2026-11-02T09:00:00.000Z", "timestamp": f"2026-11-02T09:{i % 60:02}:00.000Z",
        }  # fmt: skip
        found.append(json.dumps(message, separators=(",", ":")).encode())
    return found


def cost(read: Callable[[Sequence[bytes]], object], values: Sequence[bytes]) -> float:
    """Microseconds of CPU a record."""
    begun = time.process_time()
    for at in range(0, len(values), BATCH):
        read(values[at : at + BATCH])
    return (time.process_time() - begun) / len(values) * 1e6


def main(records: int) -> None:
    sent = list(generate(Scenario(events=records, engagement=0.5)))
    touches = [record.value for record in sent if record.topic == "engagement"]
    orders = [record.value for record in sent if record.topic == "checkout"]
    reader = BatchReader(READING)
    runs: dict[str, tuple[Callable[[Sequence[bytes]], object], Sequence[bytes]]] = {
        "touches, the yardstick": (engagement_columns, touches),
        "touches, the door": (reader.read, touches),
        "orders, the yardstick": (lambda values: checkouts(values, {"Order Completed"}, "NOK"), orders),
        "orders, the door": (reader.read, orders),
        "page calls, the door": (reader.read, pages(records // 2)),
        "all in one, the door": (reader.read, [*touches[:9000], *orders[:500], *pages(20_000)][::-1]),
    }
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, (read, values) in runs.items():
            best[name] = min(best[name], cost(read, values))
    for name, microseconds in best.items():
        print(f"{name:24} {microseconds:6.2f} us a record")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
