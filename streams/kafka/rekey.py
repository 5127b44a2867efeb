"""Another token key: workers of another name read the topics anew, hash every token with it, and fill another database.

What is hashed with the old key cannot be hashed with the new one, because nobody keeps the tokens. So nothing of what
the former workers know is taken over: the topics say it again. What partitions told each other, and requests to forget
somebody, are of the old key; they are deleted, as the new workers could not use them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from streams.core.events.topics import ERASURES, FORWARDED, journal_topic
from streams.kafka.clients import Address, BrokerError, brokers_at, connect, read_range
from streams.kafka.members import none_running
from streams.kafka.topics import Layout, PartitionLag, lag

_OF_THE_KEY = (ERASURES, FORWARDED)


class Begun(NamedTuple):
    """What was deleted, records by topic, and the time of the topics' oldest record, None where they are empty."""

    deleted: dict[str, int]
    oldest: datetime | None


def rekey(bootstrap: Address, former: str, layout: Layout) -> Begun:
    """Make way for workers of the `layout`'s group, which begin anew with another key; those of `former` have stopped.
    May be done again.

    Raises:
        BrokerError: the broker cannot be reached, or it cannot be done; the text says why and what to do.
    """
    journal = journal_topic(layout.app_id)
    with connect(KafkaAdminClient, bootstrap) as admin:
        for group in (former, layout.app_id):
            none_running(admin, group)
        kept = lag(bootstrap, layout.app_id, [brokers_at(bootstrap).plain(journal)])
        if former == layout.app_id or any(row.end > row.start for row in kept):
            raise BrokerError(
                f"group {layout.app_id} has a journal, {journal}, of another key; set MAALSTROM_APP_ID to a new name"
            )
        rows = lag(bootstrap, former, _OF_THE_KEY)
        _all_followed(rows, former, brokers_at(bootstrap).topic(ERASURES))
        admin.delete_records({TopicPartition(row.topic, row.partition): row.end for row in rows if row.end > row.start})
    deleted = {
        topic: sum(r.end - r.start for r in rows if r.topic == topic) for topic in sorted({r.topic for r in rows})
    }
    return Begun(deleted, _oldest(bootstrap, lag(bootstrap, former, layout.read)))


def _all_followed(rows: list[PartitionLag], former: str, erasures: str) -> None:
    """Raises BrokerError where a request to forget somebody was not followed yet."""
    if waiting := sum(row.lag for row in rows if row.topic == erasures):
        raise BrokerError(
            f"topic {erasures} has requests that no worker of group {former} has followed: {waiting}. Start the "
            "workers with the old key, wait until `maalstrom topics lag` says 0, stop them, and run this again"
        )


def _oldest(bootstrap: Address, rows: list[PartitionLag]) -> datetime | None:
    """The time of the first record that any of these partitions holds."""
    plain = brokers_at(bootstrap).plain
    with connect(KafkaConsumer, bootstrap) as consumer:
        held = [row for row in rows if row.end > row.start and plain(row.topic) not in _OF_THE_KEY]
        parts = {TopicPartition(row.topic, row.partition): row for row in held}
        firsts = [next(iter(read_range(consumer, part, row.start, row.end)), None) for part, row in parts.items()]
    times = [record.timestamp for record in firsts if record]
    return datetime.fromtimestamp(min(times) / 1000, UTC) if times else None
