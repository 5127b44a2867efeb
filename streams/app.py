"""The Faust application: topics, journal and agents put together. `faust -A streams.app worker` finds `app` here."""

import asyncio
import faulthandler
import logging.config
import signal
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial

import structlog
from aiokafka.errors import OffsetOutOfRangeError

from streams import config, failpoints
from streams.agents import start
from streams.agents.application import Application, Program
from streams.agents.consume import consume
from streams.agents.group import ConsumerGroup
from streams.config.brokers import Brokers
from streams.core.detection.completeness import SourcePartition
from streams.core.events.topics import COSTS, ENGAGEMENT, ERASURES, FORWARDED
from streams.core.exchange.seal import Seal
from streams.core.ledger.settings import LedgerSettings
from streams.jobs.audience_lists import AudienceLists
from streams.jobs.deployment import Deployment, name_in_group, watching
from streams.jobs.drop_monitor import Monitor
from streams.jobs.measured_lift import LiftRefresher
from streams.jobs.periodic import PeriodicTask
from streams.jobs.removal_effects import Refresher
from streams.jobs.topic_watch import TopicWatch
from streams.kafka import topics
from streams.kafka.producer import RecordProducer
from streams.page import dashboards
from streams.page.access import gate
from streams.page.access.gate import Gate
from streams.page.history import MetricsHistory
from streams.page.reader import Reader
from streams.page.server import Page
from streams.sinks.clickhouse.client import Client, connect
from streams.sources.kafka import SCHEME, use_uvloop
from streams.sources.kafka.credentials import credentials
from streams.sources.kafka.table_store import PromptTables
from streams.telemetry import logs, metrics, waiting
from streams.telemetry.readiness import Crashes, Probe, Readiness
from streams.telemetry.server import WebServer, listen
from streams.telemetry.web_guard import hosts_of
from streams.worker.journal import Journal
from streams.worker.ledgers.processes import tune_gc
from streams.worker.ports import Kafka
from streams.worker.state_files import StateRoom
from streams.worker.watch.reload import Reload
from streams.worker.worker import Options, Worker

SESSION_TIMEOUT = 15.0  # s until others take over from a worker that died; five of Faust's heartbeats
REQUEST_TIMEOUT = 60.0  # s that a broker may take to answer; no less than any session
FLUSHES_A_LOOK, FLUSHES_A_REFRESH = 5, 60
log = structlog.get_logger(__name__)
FETCH_BYTES = 4 * 1024 * 1024


def create_app(
    chosen: config.Settings, rules: LedgerSettings, listening: socket.socket, watch: TopicWatch, *, partitions: int
) -> Application:
    """The app of one worker that answers on that socket, for keyed topics of that many partitions."""
    use_uvloop()
    tune_gc()
    brokers, app = chosen.bootstrap, _application(chosen, partitions)
    journal, seal = Journal(app), Seal(rules.token_key)
    client, group = connect(chosen.clickhouse), ConsumerGroup(app, brokers)
    producer = RecordProducer(app, seal, brokers.topic)
    room = StateRoom(chosen.datadir.absolute() / "state", config.size(chosen.state_memory))
    options = Options(chosen.dead_letter_limits, chosen.smallest_group, chosen.processes, room)
    worker = Worker(rules, client, Kafka(journal, producer, group), partitions, options)
    goals = [goal.id for goal in rules.catalogue.goals]
    read = [SourcePartition(topic, number) for number in range(partitions) for topic in rules.topics]
    monitor = Monitor(goals, client, producer, group, worker, read)
    probe, app.crashes = Probe(chosen.clickhouse), Crashes()
    asked = chosen.bootstrap if chosen.declare_topics else None
    unlike = watching(Deployment(asked, chosen.group, chosen.clickhouse, lambda: worker.written_rules))
    readiness = Readiness(worker.problems, probe.problems, app.crashes.problems, watch.problems, unlike.problems)

    def measure() -> None:
        worker.measure()
        metrics.READY.set(not readiness.problems())

    page = _page(chosen, measure)
    app.web_port_server = WebServer(listening, metrics.REGISTRY, readiness.problems, measure, page, hosts_of(chosen))
    journal.on_restored(worker.assign)

    async def gone(error: OffsetOutOfRangeError) -> None:
        for tp, offset in error.args[0].items():
            await worker.out_of_range(brokers.plain(tp.topic), tp.partition, offset)

    app.on_out_of_range = gone
    _consume_all(app, rules, worker, seal, brokers)
    _run(app, worker, _jobs(client, worker, monitor), chosen.flush_seconds)
    for look in (probe, watch, unlike):
        app.task(look.run)
    app.task(Reload(rules, partial(configured_rules, chosen), partial(_use, worker, monitor)).run)
    return app


def _consume_all(app: Application, rules: LedgerSettings, worker: Worker, seal: Seal, brokers: Brokers) -> None:
    turns = defaultdict[int, asyncio.Lock](asyncio.Lock)
    for topic in (*rules.topics, ERASURES, FORWARDED):
        consume(app, topic, worker.take, turns, seal, brokers.topic(topic))
    consume(app, COSTS, worker.take_costs, defaultdict(asyncio.Lock), seal, brokers.topic(COSTS))


async def _use(worker: Worker, monitor: Monitor, rules: LedgerSettings) -> None:
    """Go by those rules from now on."""
    await worker.use(rules)
    monitor.use([goal.id for goal in rules.catalogue.goals])


def _page(chosen: config.Settings, measure: Callable[[], None]) -> Gate:
    """The dashboards, on connections of their own, for who may look. One that cannot be shown stops no worker."""
    found = dashboards.read_all(broken=lambda error: log.warning("a dashboard is left out", error=str(error)))
    page = Page(found, Reader(chosen.clickhouse), MetricsHistory(metrics.REGISTRY, measure))
    return Gate(page, gate.keeper(chosen, chosen.clickhouse))


def _application(chosen: config.Settings, partitions: int) -> Application:
    brokers = chosen.bootstrap
    return Application(
        chosen.group,
        broker=f"kafka://{brokers.urls}",
        broker_consumer=f"{SCHEME}://{brokers.urls}",
        broker_credentials=credentials(brokers.security),
        autodiscover=False,
        broker_client_id=name_in_group(chosen.clickhouse),
        datadir=str(chosen.datadir),
        topic_partitions=partitions,
        TableManager=PromptTables,
        topic_allow_declare=False,  # topics are made as specified, or by whoever runs the broker
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


def _jobs(client: Client, worker: Worker, monitor: Monitor) -> Mapping[PeriodicTask, int]:
    """What is done again and again beside the flow, each with the number of flushes between two turns."""
    looking = (monitor.turns, AudienceLists(client, worker, worker.enlist).turns)
    refreshing = (Refresher(client, worker).turns, LiftRefresher(client, worker).turns)
    return dict.fromkeys(looking, FLUSHES_A_LOOK) | dict.fromkeys(refreshing, FLUSHES_A_REFRESH)


def _run(app: Application, worker: Worker, jobs: Mapping[PeriodicTask, int], seconds: float) -> None:
    """Flush while the app runs, and once more when it stops; take turns at each job every so many flushes."""
    running: list[asyncio.Task[None]] = []

    @app.task  # type: ignore[untyped-decorator]
    async def flushes() -> None:
        running.append(asyncio.create_task(worker.run(seconds)))
        await running[0]

    for turns, apart in jobs.items():
        _take(app, turns, apart * seconds)

    @app.on_before_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    async def last_flush(*_: object, **__: object) -> None:
        for turns in jobs:
            await turns.stop()
        await worker.stop()
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await worker.close()

    @app.on_partitions_revoked.connect(weak=False)  # type: ignore[untyped-decorator]
    async def revoked(*_: object, **__: object) -> None:
        worker.revoke()


def _take(app: Application, turns: PeriodicTask, seconds: float) -> None:
    @app.task  # type: ignore[untyped-decorator]
    async def take_turns() -> None:
        await turns.run(seconds)


def configured_rules(chosen: config.Settings) -> LedgerSettings:
    """What the ledgers go by, as the environment says and from the files as they are now. Raises ConfigError."""
    goals = config.catalogue(chosen.catalogue)
    return LedgerSettings(
        goals,
        config.token_key(chosen.token_key),
        config.retention(chosen, goals),
        campaigns=chosen.campaigns,
        sources=config.sources(chosen.sources),
        lateness=config.lateness(chosen),
    )


@cache
def configured_app() -> Application:
    """The app as the environment says. Raises ConfigError, OSError or BrokerError with what to do."""
    chosen = config.load()
    rules = configured_rules(chosen)
    if chosen.fail_point:
        failpoints.arm(chosen.fail_point)
    listening = listen(chosen.web_bind, chosen.web_port)
    layout = topics.Layout(
        chosen.group,
        rules.retention or 0,
        replication=chosen.replication,
        prefix=chosen.topic_prefix,
        more=rules.sources.more,
    )
    start.until_a_broker_answers(chosen, layout, listening, hosts_of(chosen))
    look = topics.obstacles if chosen.declare_topics else topics.uneven
    watch = TopicWatch(partial(look, chosen.bootstrap, layout))
    if asyncio.run(watch.once()):
        waiting.wait(listening, watch.mended, Readiness(watch.problems).problems, hosts_of(chosen))
    partitions = topics.partition_count(chosen.bootstrap, ENGAGEMENT)
    start.say_what_starts(chosen, partitions)
    return create_app(chosen, rules, listening, watch, partitions=partitions)


def run() -> None:
    """Run the configured worker until SIGINT or SIGTERM."""
    faulthandler.enable()  # a crash inside a compiled library says where, not only that
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until somebody listens: it would end the process
    logging_config = logs.config(level := config.load().log_level)
    logging.config.dictConfig(logging_config)
    app = configured_app()
    worker = Program(app, loglevel=level, logging_config=logging_config, redirect_stdouts=False)
    worker.execute_from_commandline()


def __getattr__(name: str) -> Application:
    if name == "app":
        return configured_app()
    raise AttributeError(name)
