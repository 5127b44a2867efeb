"""Replays: events from files, or from topics, through the same ledger, reported in the hour of each conversion."""

from streams.replay.bounds import Bounds
from streams.replay.files import Progress, Replay, Replayed, Source
from streams.replay.progress import ProgressFile
from streams.replay.store import store
from streams.replay.topics import TopicReplay, in_order

__all__ = ["Bounds", "Progress", "ProgressFile", "Replay", "Replayed", "Source", "TopicReplay", "in_order", "store"]
