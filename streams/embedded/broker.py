"""An embedded Kafka broker for the demo and for quick tests: librdkafka's mock cluster, on a loopback port.

It speaks the real wire protocol (produce, fetch, consumer groups, offset commits), so that aiokafka and Faust work with
it unchanged, and it costs no Java, no disk and no start-up time. What it is not:

- A partition keeps at most 5 MiB or 100 000 record batches and silently drops older ones: feed it no faster than it is
  read, or the rest is lost.
- There is no compaction, no retention by time, no persistence and no admin API: topics are created here or, with four
  partitions, by the first client that asks for them. Clients must not try to declare any.
- A fetch brings one record batch of a partition, however large it may be: produce large batches to be fast.
- A group has one member at a time: a second one may be refused. One that left without a word keeps its place until its
  session times out, and a new one waits for that.

So it is never the proof of recovery or of speed on a disk: that takes a real broker.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, cimpl

_PRODUCER = 0
_ERROR_SIZE = 512


class EmbeddedBroker:
    """A one-node Kafka cluster inside this process; a context manager.

    `topics` gives the number of partitions of each topic that shall exist from the start.
    """

    def __init__(self, topics: Mapping[str, int] | None = None) -> None:
        self._topics = dict(topics or {})
        self._library = _load_library()
        self._handle: int | None = None
        self._cluster: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """Where clients connect, as `127.0.0.1:port`.

        Raises:
            RuntimeError: the broker is not running.
        """
        address: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._running())
        return address.decode()

    def start(self) -> None:
        """Start listening and create the topics.

        Raises:
            RuntimeError: librdkafka could not start, or refused a topic.
        """
        error = ctypes.create_string_buffer(_ERROR_SIZE)
        settings = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(settings, b"log_level", b"3", error, _ERROR_SIZE)
        self._handle = self._library.rd_kafka_new(_PRODUCER, settings, error, _ERROR_SIZE)
        if not self._handle:
            raise RuntimeError(f"cannot start the embedded broker: {error.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        if not self._cluster:
            raise RuntimeError("cannot start the embedded broker: no free port on 127.0.0.1")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for topic, partitions in self._topics.items():
            self.create_topic(topic, partitions)

    def stop(self) -> None:
        """Close every connection and forget all records; does nothing when not running."""
        cluster, self._cluster = self._cluster, None
        handle, self._handle = self._handle, None
        if cluster:
            self._library.rd_kafka_mock_cluster_destroy(cluster)
        if handle:
            self._library.rd_kafka_destroy(handle)

    def create_topic(self, topic: str, partitions: int) -> None:
        """Create an empty topic.

        Raises:
            RuntimeError: the broker is not running, or the topic exists.
            ValueError: `partitions` is below one.
        """
        if partitions < 1:
            raise ValueError(f"topic {topic!r} needs one partition or more, not {partitions}")
        code = self._library.rd_kafka_mock_topic_create(self._running(), topic.encode(), partitions, 1)
        if code:
            raise RuntimeError(f"cannot create topic {topic!r} of {partitions} partitions: {KafkaError(code).str()}")

    def fail_requests(self, api_key: int, errors: list[int]) -> None:
        """Answer the next requests of one kind with these Kafka error codes, one each: how tests make a broker refuse.

        Raises:
            RuntimeError: the broker is not running.
        """
        codes = (ctypes.c_int * len(errors))(*errors)
        self._library.rd_kafka_mock_push_request_errors_array(self._running(), api_key, len(errors), codes)

    def _running(self) -> int:
        if self._cluster is None:
            raise RuntimeError("the embedded broker is not running: call start() first")
        return self._cluster


def _load_library() -> ctypes.CDLL:
    """librdkafka as `confluent_kafka` ships it; its own Python interface does not offer the mock cluster's topics."""
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_push_request_errors_array": (
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(number)],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
