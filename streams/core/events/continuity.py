"""Whether a source partition still holds what is to be read next, and what to do where it does not."""

from typing import NamedTuple

_ANEW = (
    "set a new MAALSTROM_APP_ID and an empty database in MAALSTROM_CLICKHOUSE, and all that the topics still hold is "
    "counted anew"
)


class Available(NamedTuple):
    """Offsets of one partition: of its first record, after its last, and the group's committed one."""

    earliest: int
    end: int
    committed: int | None


class GroupPartition(NamedTuple):
    """A partition, and the consumer group that reads it."""

    group: str
    topic: str
    partition: int


def broken(place: GroupPartition, restored: int | None, at: Available) -> str | None:
    """What is wrong with going on after `restored`, the next offset as the journal has it; None where nothing is. A
    group that was moved past records that are gone was moved by a person, who accepts that."""
    if restored is not None and not at.earliest <= restored <= at.end:
        moved = restored < at.earliest <= (at.committed or 0)
        return None if moved else out_of_range(place, restored, at)
    if at.committed is not None and at.committed > (restored or 0):
        return (
            f"the group {place.group} has read {_name(place)} up to offset {at.committed}, but the journal only up to "
            f"{restored or 0}: the journal's topic was truncated or made anew, or somebody moved the group. Move the "
            f"group back, or {_ANEW}"
        )
    return None


def out_of_range(place: GroupPartition, offset: int, at: Available) -> str:
    """Why `offset`, the next one to read, cannot be read, and the ways out."""
    if offset > at.end:
        return (
            f"{_name(place)} was read up to offset {offset}, and ends at {at.end} now: the topic was truncated or made "
            f"anew. Bring its records back, or {_ANEW}"
        )
    return (
        f"offsets {offset} to {at.earliest - 1} of {_name(place)} are gone unread: they were deleted, or the topic's "
        "retention is too short for how far this worker was behind. To go on without them, run `kafka-consumer-groups "
        f"--reset-offsets --to-earliest --execute --group {place.group} --topic {place.topic}:{place.partition}` with "
        f"all workers stopped; or {_ANEW}"
    )


def _name(place: GroupPartition) -> str:
    return f"{place.topic}/{place.partition}"
