"""A Faust transport that hands an agent batches: all records that one fetch brought of one partition.

Faust's own transport makes a task switch or more for each record, which costs far more than the record's work. This one
is Faust's aiokafka driver with five differences, chosen by a broker URL of the scheme `batch` (`batch://host:port`):

- A message's value is a `RecordBatch`. Records of changelog topics still come one by one, as Faust's recovery
  needs them.
- Nothing is acknowledged by accident. An agent iterates `stream.noack().events()` and calls `event.ack()` once the
  effects are durable; only the longest acknowledged prefix of a partition is committed, and a commit that the group
  coordinator refused is known to be refused (`Consumer.commit_now`, `OffsetTracker.committed`).
- What is fetched and not yet acknowledged is bounded, in batches a partition and in bytes altogether. Beyond that
  fetching pauses; heartbeats and group membership go on.
- After each assignment a table is read from the start of its changelog: another worker may have written to it.
- A table counts as restored when its changelog was read to its end for this assignment, whatever was read for others.

This is the only package that touches Faust's internals (faust-streaming 0.15, aiokafka 0.14).
"""

from __future__ import annotations

import contextlib
from typing import ClassVar

import mode.loop
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver

from streams.sources.kafka.batch import RecordBatch
from streams.sources.kafka.closed_connections import tell_of_closed
from streams.sources.kafka.consumer import Consumer

__all__ = ["SCHEME", "Consumer", "RecordBatch", "Transport", "use_uvloop"]

SCHEME = "batch"


class Transport(driver.Transport):  # type: ignore[misc]
    """The `batch://` transport."""

    Consumer: ClassVar[type[Consumer]] = Consumer


def use_uvloop() -> None:
    """Make new event loops uvloop's, where it is installed; call it before Faust makes one."""
    with contextlib.suppress(ImportError):
        mode.loop.use("uvloop")
        tell_of_closed()


TRANSPORTS[SCHEME] = f"{__name__}:Transport"
