"""Replays: events from files, or from topics, through the same ledger, reported in the hour of each conversion."""

from streams.replay.bounds import Bounds
from streams.replay.files import EventFile, Progress, Replay, Replayed
from streams.replay.progress import ProgressFile
from streams.replay.store import store
from streams.replay.topics import TopicReplay, in_order

__all__ = ["Bounds", "EventFile", "Progress", "ProgressFile", "Replay", "Replayed", "TopicReplay", "in_order", "store"]
