"""The names of all topics."""

from streams.core.door.sources_toml import TOPICS

EVENTS, ENGAGEMENT, CHECKOUT, IDENTITY = KEYED = TOPICS  # by the user token: they have as many partitions
ERASURES, COSTS = "erasures", "costs"
FORWARDED, ALERTS = "forwarded", "alerts"  # what partitions tell each other; what is told to people
SOURCES = (*KEYED, ERASURES, COSTS)
DEAD_LETTERS = ".dlq"


def dead_letters_of(topic: str) -> str:
    """The topic that keeps the dead letters of `topic`."""
    return f"{topic}{DEAD_LETTERS}"


def journal_topic(app_id: str) -> str:
    """The journal's changelog topic, named as Faust names it."""
    return f"{app_id}-journal-changelog"


def growing(partitions: int) -> str:
    """What to do where partitions were raised."""
    return f"stop every worker and run `maalstrom topics grow {partitions}` (docs/operations/grow.md says how)"
