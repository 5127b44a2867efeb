"""The Faust application: topics, journal and agents put together. `faust -A streams.app worker` finds `app` here."""

import asyncio
import os
import signal
import socket
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache

import faust
import structlog
from aiokafka.errors import OffsetOutOfRangeError
from faust.app.base import BootStrategy
from faust.types import TP, EventT, StreamT

from streams import config, costs, fail_points, logs, metrics, topics
from streams.clickhouse import connect
from streams.core.admission import Batch
from streams.core.continuity import Available
from streams.core.erasure import ERASURES
from streams.core.identity import IDENTITY
from streams.core.intake import CHECKOUT, ENGAGEMENT
from streams.core.routing import FORWARDED
from streams.core.rules import Rules
from streams.journal import Journal
from streams.lanes import Lanes
from streams.monitor import Monitor
from streams.outbox import Outbox, origin
from streams.page import dashboards
from streams.page.history import History
from streams.page.reader import Reader
from streams.page.server import LOOPBACK, Page
from streams.processes import tune_gc
from streams.removal import Refresher
from streams.transport import SCHEME, Consumer, use_uvloop
from streams.transport import Batch as Fetched
from streams.transport.records import Record
from streams.web import WebServer, listen
from streams.worker import Worker

Take = Callable[[Batch, Sequence[int], Callable[[], object]], Awaitable[None]]
LAST_RESORT = 20.0  # s
SESSION_TIMEOUT = 15.0  # s until others take over from a worker that died; five of Faust's heartbeats
REQUEST_TIMEOUT = 60.0  # s that a broker may take to answer; no less than any session
FLUSHES_A_LOOK, FLUSHES_A_REFRESH = 5, 60
log = structlog.get_logger(__name__)
FETCH_BYTES = 4 * 1024 * 1024


class _Boot(BootStrategy):  # type: ignore[misc]
    enable_web = False  # `faust worker` would open Faust's own web server, whatever the settings say


class Application(faust.App):  # type: ignore[misc]
    """Faust's app with a web port that answers while tables are still recovering, and a stop that ends."""

    BootStrategy = _Boot
    web_port_server: WebServer
    on_out_of_range: Callable[[OffsetOutOfRangeError], Awaitable[None]]

    async def on_start(self) -> None:
        """Open the web port first of all. Raises ConfigError where the environment has put in another transport."""
        if not isinstance(self.consumer, Consumer):
            raise config.ConfigError("a Faust variable sets the consumer's broker URL; unset it and set BROKER_URL")
        self.consumer.on_out_of_range = self.on_out_of_range
        await self.add_runtime_dependency(self.web_port_server)
        await super().on_start()

    async def on_stop(self) -> None:
        """Stop, at the latest after LAST_RESORT: a broker that is down must not hold the process."""
        last_resort = threading.Timer(LAST_RESORT, _give_up)
        last_resort.daemon = True
        last_resort.start()
        await super().on_stop()


def _give_up() -> None:
    """Every crash point is safe, this one too."""
    log.error("the broker does not let go; ending at once: the next start goes on from the journal")
    os._exit(1)


def create_app(chosen: config.Settings, rules: Rules, listening: socket.socket, *, partitions: int) -> Application:
    """The app of one worker that answers on that socket, for keyed topics of that many partitions."""
    use_uvloop()
    tune_gc()
    app = _application(chosen, partitions)
    journal = Journal(app)
    client, outbox, group = connect(chosen.clickhouse), Outbox(app), Group(app)
    limits, processes = chosen.dead_letter_limits, chosen.processes
    worker = Worker(rules, client, journal, outbox, partitions, group, limits, chosen.smallest_group, processes)
    goals = [goal.id for goal in rules.catalogue.goals]
    monitor = Monitor(goals, client, outbox, group, worker, partitions)
    app.worker_state = worker
    page = _page(chosen, worker)
    app.web_port_server = WebServer(listening, metrics.REGISTRY, lambda: worker.ready, worker.measure, page)
    journal.on_restored(worker.own)

    async def gone(error: OffsetOutOfRangeError) -> None:
        for tp, offset in error.args[0].items():
            await worker.out_of_range(tp.topic, tp.partition, offset)

    app.on_out_of_range = gone
    turns = defaultdict[int, asyncio.Lock](asyncio.Lock)
    for topic in (ENGAGEMENT, CHECKOUT, IDENTITY, ERASURES, FORWARDED):
        consume(app, topic, worker.take, turns)
    consume(app, costs.TOPIC, worker.take_costs, defaultdict(asyncio.Lock))
    _run(app, worker, monitor, Refresher(client, worker), chosen.flush_seconds)
    return app


def _page(chosen: config.Settings, worker: Worker) -> Page:
    """The dashboards, on connections of their own. One that cannot be shown stops no worker."""
    found = dashboards.read_all(broken=lambda error: log.warning("a dashboard is left out", error=str(error)))
    history = History(metrics.REGISTRY, worker.measure)
    return Page(found, Reader(chosen.clickhouse), history, loopback=chosen.web_bind in LOOPBACK)


def _application(chosen: config.Settings, partitions: int) -> Application:
    return Application(
        chosen.app_id,
        broker=f"kafka://{chosen.bootstrap}",
        broker_consumer=f"{SCHEME}://{chosen.bootstrap}",
        autodiscover=False,
        datadir=str(chosen.datadir),
        topic_partitions=partitions,
        topic_allow_declare=chosen.declare_topics,
        topic_disable_leader=True,
        table_standby_replicas=0,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,
        broker_session_timeout=SESSION_TIMEOUT,
        broker_request_timeout=REQUEST_TIMEOUT,
        consumer_max_fetch_size=FETCH_BYTES,
        producer_acks=-1,
        producer_max_request_size=8 << 20,
        web_enabled=False,
    )


def consume(app: Application, topic: str, take: Take, turns: Mapping[int, asyncio.Lock]) -> None:
    """An agent that hands every batch on, those of a partition in turn, and acknowledges it when it is told to. What
    topics share `turns` is in turn too: until then a batch grows."""

    async def hand_on(event: EventT[Fetched]) -> None:
        async with turns[event.value.partition]:
            await in_turn(event)

    async def in_turn(event: EventT[Fetched]) -> None:
        # As Faust does with what waits in its own queue: it was fetched for an owner of before a rebalance.
        if event.message.generation_id != app.consumer_generation_id or not app.flow_control.is_active():
            return
        records = event.value.take()
        await take(_batch(event.value, records), [record.timestamp for record in records], event.ack)

    async def work(stream: StreamT[Fetched]) -> None:
        async with Lanes(hand_on) as lanes:
            async for event in stream.noack().events():
                lanes.put(event.value.partition, event)

    app.agent(app.topic(topic, key_type=bytes, value_serializer="raw"), name=topic)(work)


def _batch(fetched: Fetched, records: Sequence[Record]) -> Batch:
    origins = list(map(origin, records)) if fetched.topic == FORWARDED else ()
    start, end = records[0].offset, fetched.next_offset
    offsets = range(start, end) if end - start == len(records) else [record.offset for record in records]
    columns = ([record.value for record in records], [record.key for record in records], offsets)
    return Batch(fetched.topic, *columns, fetched.partition, origins)


class StoppedError(Exception):
    """The worker ended by itself; the text says why."""


class Group:
    """The consumer group, as the worker sees it."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def commit(self) -> bool:
        """Commit what is acknowledged; whether the coordinator accepted it, and this worker."""
        return bool(await self._app.consumer.commit_now())

    def lag(self) -> dict[tuple[str, int], int]:
        """Records not worked on yet, by topic and partition."""
        return {(tp.topic, tp.partition): records for tp, records in self._app.consumer.lag().items()}

    async def available(self, topics: Iterable[str], partition: int) -> dict[str, Available]:
        """What that partition of each topic holds. Raises KafkaError."""
        found = await self._app.consumer.available([TP(topic, partition) for topic in topics])
        return {tp.topic: available for tp, available in found.items()}

    @property
    def name(self) -> str:
        """Its id, as Kafka's own tools want it."""
        return str(self._app.conf.id)

    def stop(self, reason: str) -> None:
        """End the process as SIGTERM does, what was done written and committed, but with exit status 1."""
        self._app.beacon.root.data.crash_reason = StoppedError(reason)
        signal.raise_signal(signal.SIGTERM)


def _run(app: Application, worker: Worker, monitor: Monitor, refresher: Refresher, seconds: float) -> None:
    """Flush while the app runs, and once more when it stops; look for drops of conversions every few flushes, and
    refresh removal effects every minute or so."""
    running: list[asyncio.Task[None]] = []

    @app.task  # type: ignore[untyped-decorator]
    async def flushes() -> None:
        running.append(asyncio.create_task(worker.run(seconds)))
        await running[0]

    @app.task  # type: ignore[untyped-decorator]
    async def looks() -> None:
        await monitor.turns.run(FLUSHES_A_LOOK * seconds)

    @app.task  # type: ignore[untyped-decorator]
    async def refreshes() -> None:
        await refresher.turns.run(FLUSHES_A_REFRESH * seconds)

    @app.on_before_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    async def last_flush(*_: object, **__: object) -> None:
        await refresher.turns.stop()
        await monitor.turns.stop()
        await worker.stop()
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await worker.close()

    @app.on_partitions_revoked.connect(weak=False)  # type: ignore[untyped-decorator]
    async def revoked(*_: object, **__: object) -> None:
        worker.disown()


@cache
def configured_app() -> Application:
    """The app as the environment says. Raises ConfigError, OSError or BrokerError with what to do."""
    chosen = config.settings()
    goals = config.catalogue(chosen.catalogue)
    rules = Rules(goals, config.token_key(chosen.token_key), config.retention(chosen, goals))
    if chosen.fail_point:
        fail_points.arm(chosen.fail_point)
    listening = listen(chosen.web_bind, chosen.web_port)
    partitions = (
        _created(chosen, rules) if chosen.declare_topics else topics.partition_count(chosen.bootstrap, ENGAGEMENT)
    )
    return create_app(chosen, rules, listening, partitions=partitions)


def _created(chosen: config.Settings, rules: Rules) -> int:
    """Make the topics that are missing; how many partitions the keyed ones have."""
    made = topics.create(chosen.bootstrap, topics.Layout(chosen.app_id, rules.retention or 0))
    return next(topic.partitions for topic in made if topic.name == ENGAGEMENT)


def run() -> None:
    """Run the configured worker until SIGINT or SIGTERM."""
    app = configured_app()
    faust.Worker(app, loglevel="INFO", logging_config=logs.CONFIG, redirect_stdouts=False).execute_from_commandline()


def __getattr__(name: str) -> Application:
    if name == "app":
        return configured_app()
    raise AttributeError(name)
