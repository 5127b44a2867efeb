"""What reports restate and why, naively: everything worked out anew at each report, and compared with the one before.

Of all that came between two reports, for a conversion that is stated anew, the strongest is its cause: its order
completed anew, else a reversal of it, else a link or a touch. Which of these two it was is not worked out where both
came: then the cause is EITHER, of this reference alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.core.catalogue import Catalogue
from tests.reference import Figures, attribute
from tests.reference_events import REVERSALS, DeadLetter, Event, decode

EITHER = "late_touch or identity"
Row = tuple[Any, ...]


@dataclass
class News:
    """What came since the last report: the orders completed anew or taken back, and whether any link or touch did."""

    corrected: set[str] = field(default_factory=set)
    reversed: set[str] = field(default_factory=set)
    linked: bool = False
    touched: bool = False

    def cause(self, order_id: str) -> str:
        if order_id in self.corrected:
            return "correction"
        if order_id in self.reversed:
            return "reversal"
        if self.linked and self.touched:
            return EITHER
        return "identity" if self.linked else "late_touch"


class Restatements:
    """`rows`: (cell of goal_attribution, hour of the report in s, cause) -> differences of the four amounts."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._reported: dict[tuple[str, str], Figures] = {}
        self._count = 0
        self.rows: dict[Row, list[int]] = defaultdict(lambda: [0, 0, 0, 0])

    def report(self, records: Sequence[tuple[str, bytes]], reported_at: int) -> None:
        """Everything is reported, after all those records in the order of their arrival."""
        figures = attribute(self._catalogue, records).figures
        news = self._news(records)
        for key, before in self._reported.items():
            after = figures.get(key, {})
            for cell in before.keys() | after.keys():
                pair = after.get(cell, [0] * 4), before.get(cell, [0] * 4)
                sums = self.rows[(*cell, reported_at, news.cause(key[1]))]
                sums[:] = [total + now - then for total, now, then in zip(sums, *pair, strict=True)]
        nothing: dict[tuple[str, str], Figures] = {key: {} for key in self._reported}
        self._reported, self._count = nothing | figures, len(records)
        self.rows = defaultdict(self.rows.default_factory, {row: sums for row, sums in self.rows.items() if any(sums)})

    def _news(self, records: Sequence[tuple[str, bytes]]) -> News:
        news, ids, links, standing = News(), set(), set(), dict[tuple[str, str], tuple[int, str]]()
        for place, (topic, raw) in enumerate(records):
            event = self._event(topic, raw)
            if event is None or (topic, event.message_id) in ids:
                continue
            ids.add((topic, event.message_id))
            fresh = place >= self._count
            news.touched |= fresh and topic == "engagement"
            news.linked |= fresh and event.link is not None and event.link not in links
            links.add(event.link)
            if topic == "checkout" and event.name in REVERSALS:
                news.reversed |= {event.order_id} if fresh else set()
            elif topic == "checkout":
                last = standing.get((event.name, event.order_id))
                if last is None or (event.time, event.message_id) > last:
                    standing[event.name, event.order_id] = event.time, event.message_id
                    news.corrected |= {event.order_id} if fresh and last else set()
        return news

    def _event(self, topic: str, raw: bytes) -> Event | None:
        try:
            return decode(self._catalogue, topic, raw)
        except DeadLetter:
            return None


def alike(rows: dict[Row, list[int]]) -> dict[Row, list[int]]:
    """With late touches and identity as one cause."""
    sums: dict[Row, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (*row, cause), amounts in rows.items():
        same = EITHER if cause in ("late_touch", "identity") else cause
        sums[*row, same] = [a + b for a, b in zip(sums[*row, same], amounts, strict=True)]
    return {row: amounts for row, amounts in sums.items() if any(amounts)}
