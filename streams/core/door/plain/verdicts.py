"""What plain calls are: touches by the code of their kind, completions, ignored ones, and what is not plain."""

from collections.abc import Sequence

from streams.core.door.context import Reading
from streams.core.door.fields.names import LONGEST, event_name
from streams.core.door.orders import CANCELLED, COMPLETED, REFUNDED, UPDATED
from streams.core.door.plain.calls import Call
from streams.core.door.plain.touches import CANCELLATION, COMPLETION, NO_TOUCH, NOT_PLAIN, REFUND, UPDATE, Kinds
from streams.core.door.segment import CONSENT
from streams.core.door.touches import SOCIAL, SPECIFIED

_MOST = 1 << 14  # names of events that are remembered
_SOCIAL = 0
_ORDERS = {UPDATED: UPDATE, CANCELLED: CANCELLATION, REFUNDED: REFUND}


class Verdicts:
    """Tells what calls are, by their type and the event's name; remembers the names."""

    def __init__(self, reading: Reading, kinds: Kinds) -> None:
        self._counted = reading.counted.keys()
        self._touches = reading.touch.keys() | SPECIFIED.keys()
        self._kinds = kinds
        self._names: dict[str, int] = {}

    def of(self, decoded: Sequence[Call | None]) -> list[int]:
        """The verdict on each call; NOT_PLAIN where there is none."""
        return [NOT_PLAIN if call is None else self._verdict(call) for call in decoded]

    @property
    def social_is_touch(self) -> bool:
        """Whether a social interaction is a touch, and nothing that a goal counts."""
        return self._named("Social Interaction") == _SOCIAL

    def _verdict(self, call: Call) -> int:
        if call.type == "track":
            verdict = self._named(call.event)
            return self._kinds.social(call) if verdict == _SOCIAL else verdict
        if call.type in ("page", "screen"):
            return self._kinds.visit(call)
        return NO_TOUCH if call.type == "group" else NOT_PLAIN

    def _named(self, name: str | None) -> int:
        verdict = self._names.get(name or "")
        if verdict is None:
            verdict = self._by_name(event_name(name or "")) if name and name.strip() else NOT_PLAIN
            if len(name or "") <= LONGEST:
                if len(self._names) >= _MOST:
                    self._names.clear()
                self._names[name or ""] = verdict
        return verdict

    def _by_name(self, event: str) -> int:
        """In their order: an order's name, a consent's, what a goal counts, then touches."""
        if event in _ORDERS or event in CONSENT:
            return _ORDERS.get(event, NOT_PLAIN)
        if event in self._counted:
            return COMPLETION
        if event == COMPLETED:
            return NO_TOUCH
        if event == SOCIAL:
            return _SOCIAL
        return NOT_PLAIN if event in self._touches else NO_TOUCH
