"""`maalstrom replay --kafka`: topics in place of files."""

from __future__ import annotations

import hashlib
import time

from streams import config, failpoints
from streams.cli.console import Console
from streams.cli.events.replay_how import How, advance, reading
from streams.core.catalogue.parse import duration
from streams.core.events.topics import COSTS, ERASURES
from streams.core.identity.tokens import Tokens
from streams.core.ledger.settings import LedgerSettings
from streams.jobs.deployment import address, name_in_group
from streams.jobs.grow import hand_over
from streams.kafka import topic_history
from streams.kafka.members import members
from streams.kafka.topics import Layout
from streams.replay import ProgressFile, TopicReplay, in_order, store
from streams.sinks import audiences
from streams.sinks.clickhouse.client import Client
from streams.sources import cost_files
from streams.sources.files import DeadLetterFile

err = Console(stderr=True)


def run(
    client: Client, rules: LedgerSettings, chosen: config.Settings, letters: DeadLetterFile, wanted: How
) -> TopicReplay:
    """Replay what the topics hold into the database. Raises BrokerError and ConfigError."""
    if chosen.fail_point:
        failpoints.arm(chosen.fail_point)
    _nobody_writes(chosen, wanted)
    bootstrap = chosen.bootstrap
    found = topic_history.ranges(bootstrap, chosen.group, in_order(rules.topics), wanted.hand_over)
    with (
        topic_history.opened(bootstrap) as history,
        ProgressFile.of(
            letters.path.parent, _identity(rules, chosen, wanted), history.in_turns(found, ERASURES), wanted.anew
        ) as progress,
    ):
        begun = progress.writing
        replay = TopicReplay(rules, letters, progress)
        replay.ledger.enlist(audiences.read(client))
        if replay.resumed:
            err.print(f"Going on after {replay.resumed:,} messages (--anew begins from the start).", highlight=False)
        total = sum(each.end - each.begin for each in progress.ranges)
        with reading(total) as (bar, task):
            replay.read(history, advance(bar, task))
            bar.update(task, description="writing")
            rows = dict(replay.rows(time.time_ns() // 1_000_000_000 << 32))
            if wanted.hand_over:
                rows.pop("path_transitions", None)  # workers write all they know of it when they start
            store(client, rules.catalogue, rows, wanted.replace, wanted.bounds, begun)
            _costs(client, history, chosen, replay)
        if wanted.hand_over:
            _hand_over(chosen, rules)
        progress.done()
    return replay


def _nobody_writes(chosen: config.Settings, wanted: How) -> None:
    """Raises ConfigError while workers run that write to the database, or that would be handed over to."""
    own = None if wanted.hand_over else name_in_group(wanted.dsn)
    if hosts := members(chosen.bootstrap, chosen.group, own):
        raise config.ConfigError(
            f"workers of group {chosen.group} (at {', '.join(hosts)}) are running"
            + ("" if wanted.hand_over else " and write to this database")
            + "; stop them first (one that was killed is missed after some seconds), or replay into another database"
        )


def _identity(rules: LedgerSettings, chosen: config.Settings, wanted: How) -> str:
    """What must be the same for a replay to go on: what is read, how, into which database."""
    key, place = Tokens(rules.token_key).fingerprint, address(wanted.dsn)
    how = (wanted.bounds, wanted.replace, wanted.hand_over, rules.sources.topics)
    texts = [path.read_text("utf-8") for path in wanted.files if path]
    told = (key, place, rules.campaigns, chosen.bootstrap.servers, chosen.group, how, texts)
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def _costs(client: Client, history: topic_history.TopicReader, chosen: config.Settings, replay: TopicReplay) -> None:
    """The records of topic `costs`, as a worker writes them."""
    if not topic_history.exists(chosen.bootstrap, COSTS):
        return
    for each in topic_history.ranges(chosen.bootstrap, chosen.group, [COSTS], read_only=False):
        for batch, arrived in history.batches(each):
            replay.write_dead_letters(cost_files.write(client, batch, arrived, replay.catalogue))


def _hand_over(chosen: config.Settings, rules: LedgerSettings) -> None:
    layout = Layout(chosen.group, duration(chosen.retention), prefix=chosen.topic_prefix)
    marked = hand_over(chosen.bootstrap, layout)
    err.print(f"The workers go on from here ({marked} partitions): start them.", highlight=False)
