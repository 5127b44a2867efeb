"""Dead letters: the reasons there are for one, and the headers that tell it; key and value are the original's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

REASONS = ("malformed", "oversized", "too_late", "unknown_order", "currency_mismatch", "internal")
ERROR_CHARS = 1_000


@dataclass(frozen=True)
class Failure:
    """Why and when a record became a dead letter, and where it had been.

    `failed_at` is in milliseconds since the epoch.
    """

    reason: str
    error: str
    source_topic: str
    source_partition: int
    source_offset: int
    failed_at: int


def encode_headers(failure: Failure) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of a dead letter: text in UTF-8, numbers in decimal, the time in RFC 3339 (UTC)."""
    at = datetime.fromtimestamp(failure.failed_at / 1000, UTC).isoformat(timespec="milliseconds")
    texts = {
        "reason": failure.reason,
        "error": failure.error[:ERROR_CHARS],
        "source_topic": failure.source_topic,
        "source_partition": str(failure.source_partition),
        "source_offset": str(failure.source_offset),
        "failed_at": at.replace("+00:00", "Z"),
    }
    return [(name, text.encode("utf-8", "backslashreplace")) for name, text in texts.items()]


def decode_headers(headers: Iterable[tuple[str, bytes | None]]) -> Failure | None:
    """Return what `encode_headers` was given, or None when the headers are not those of a dead letter."""
    texts = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
    try:
        at = datetime.fromisoformat(texts["failed_at"])
        if at.tzinfo is None:
            return None
        return Failure(
            reason=texts["reason"],
            error=texts["error"],
            source_topic=texts["source_topic"],
            source_partition=int(texts["source_partition"]),
            source_offset=int(texts["source_offset"]),
            failed_at=round(at.timestamp() * 1000),
        )
    except (KeyError, ValueError):
        return None
