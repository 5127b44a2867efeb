"""What the log says of dead letters: soon, seldom, and nothing of what they say."""

import structlog

from streams.core.events.watermark import DeadLetter
from streams.worker.watch.dead_letters import DeadLetterLog


def letter(offset: int, reason: str = "malformed") -> DeadLetter:
    return DeadLetter("checkout", 1, offset, b"anna", b"anna's order", reason, "anna is no number")


def test_the_first_is_told_at_once_and_the_rest_together_after_a_minute() -> None:
    now = 0.0
    told = DeadLetterLog(lambda: now)
    with structlog.testing.capture_logs() as logs:
        told.tell([])
        told.tell([letter(5)])
        told.tell([letter(6), letter(7, "too_late")])
        now = 59.0
        told.tell([letter(8)])
        now = 60.0
        told.tell([])
        told.tell([letter(9)])
    assert [(line["topic"], line["first"], line["reasons"]) for line in logs] == [
        ("checkout", "checkout/1/5", {"malformed": 1}),
        ("checkout", "checkout/1/6", {"malformed": 3, "too_late": 1}),
    ]
    assert "anna" not in repr(logs)
