"""The Faust application: topics, journal and agents put together. `faust -A streams.app worker` finds `app` here."""

import asyncio
from contextlib import suppress
from functools import cache
from typing import Any

import faust
from faust.types import StreamT

from streams import config, logs, metrics, topics
from streams.clickhouse import connect
from streams.core.admission import Batch
from streams.core.intake import CHECKOUT, ENGAGEMENT
from streams.core.ledger import Rules
from streams.core.routing import FORWARDED
from streams.journal import Journal
from streams.outbox import Outbox, origin
from streams.transport import SCHEME, tune_gc, use_uvloop
from streams.transport import Batch as Fetched
from streams.web import WebServer
from streams.worker import Worker

FETCH_BYTES = 4 * 1024 * 1024


class Application(faust.App):  # type: ignore[misc]
    """Faust's app with a web port that answers while tables are still recovering."""

    web_port_server: WebServer

    async def on_start(self) -> None:
        """Open the web port first of all."""
        await self.add_runtime_dependency(self.web_port_server)
        await super().on_start()


def create_app(chosen: config.Settings, rules: Rules, *, partitions: int) -> Application:
    """The app of one worker, for keyed topics of that many partitions."""
    use_uvloop()
    tune_gc()
    app = _application(chosen, partitions)
    journal = Journal(app)
    worker = Worker(rules, connect(chosen.clickhouse), journal, Outbox(app), partitions, _commit(app))
    app.worker_state = worker
    app.web_port_server = WebServer(chosen.web_bind, chosen.web_port, metrics.REGISTRY, lambda: worker.ready)
    journal.on_restored(worker.own)
    for topic in (ENGAGEMENT, CHECKOUT, FORWARDED):
        app.agent(app.topic(topic, key_type=bytes, value_serializer="raw"), name=topic)(_agent(worker))
    _run_flushes(app, worker, chosen.flush_seconds)
    return app


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
        consumer_max_fetch_size=FETCH_BYTES,
        producer_acks=-1,
        producer_max_request_size=1 << 20,
        web_enabled=False,
    )


def _agent(worker: Worker) -> Any:
    """An agent that hands every batch to the worker, and acknowledges it when the worker says so."""

    async def work(stream: StreamT[Fetched]) -> None:
        async for event in stream.noack().events():
            fetched: Fetched = event.value
            await worker.take(fetched.partition, _batch(fetched), fetched.records[0].timestamp / 1000, event.ack)

    return work


def _batch(fetched: Fetched) -> Batch:
    records = fetched.records
    origins = list(map(origin, records)) if fetched.topic == FORWARDED else ()
    columns = ([r.value for r in records], [r.key for r in records], [r.offset for r in records])
    return Batch(fetched.topic, *columns, fetched.partition, origins)


def _commit(app: Application) -> Any:
    async def commit() -> bool:
        return bool(await app.consumer.commit_now())

    return commit


def _run_flushes(app: Application, worker: Worker, seconds: float) -> None:
    """Flush while the app runs, and once more when it stops."""
    running: list[asyncio.Task[None]] = []

    @app.task  # type: ignore[untyped-decorator]
    async def flushes() -> None:
        running.append(asyncio.create_task(worker.run(seconds)))
        await running[0]

    @app.on_before_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    async def last_flush(*_: object, **__: object) -> None:
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
    """The app as the environment says. Raises ConfigError or BrokerError with what to do."""
    chosen = config.settings()
    goals = config.catalogue(chosen.catalogue)
    rules = Rules(goals, config.token_key(chosen.token_key), config.retention(chosen, goals))
    partitions = (
        _created(chosen, rules) if chosen.declare_topics else topics.partition_count(chosen.bootstrap, ENGAGEMENT)
    )
    return create_app(chosen, rules, partitions=partitions)


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
