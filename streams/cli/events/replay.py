"""The command that attributes events from files."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from streams import config
from streams.cli.console import Console
from streams.cli.events.reading import format_option, sources_of, sources_option
from streams.cli.events.replay_how import MOMENT, How, advance, how, reading
from streams.cli.options import FilesCommand, database, dsn_option
from streams.cli.run.page import how_to_see
from streams.core.catalogue.parse import Catalogue
from streams.core.door.sources_toml import Sources
from streams.core.events.topics import KEYED
from streams.core.explain.as_data import as_data
from streams.core.explain.summary import sentences
from streams.core.ledger.settings import LedgerSettings
from streams.core.parsing.printable import one_line
from streams.jobs import measured_lift
from streams.replay import EventFile, Replay, Replayed, store
from streams.reports import render
from streams.reports.forms.as_json import content
from streams.reports.report import read
from streams.sinks import audiences
from streams.sinks.clickhouse import catalogue as catalogue_rows
from streams.sinks.clickhouse import fingerprint, migrations, period
from streams.sinks.clickhouse.client import Client
from streams.sources import cost_files
from streams.sources import files as ndjson
from streams.texts import language
from streams.worker.ledgers.processes import tune_gc

out = Console()
err = Console(stderr=True)

FILES = {
    "multiple": True,
    "metavar": "FILE...",
    "help": "JSON: one event a line, an array, or events over several lines; .gz and .zst too; - is standard input.",
}

_APART = (
    "The touches of earlier replays are not known to this one: what these files convert finds its campaigns only in "
    "these files. To count them too, replay the earlier files together with these, with --replace."
)


@click.command("replay", cls=FilesCommand)
@click.option("--events", **FILES)  # type: ignore[arg-type]
@click.option("--engagement", **FILES)  # type: ignore[arg-type]
@click.option("--checkout", **FILES)  # type: ignore[arg-type]
@click.option("--identity", **FILES)  # type: ignore[arg-type]
@click.option("--costs", **FILES)  # type: ignore[arg-type]
@click.option("--catalogue", type=Path, required=True, metavar="FILE", help="Goals and campaigns (TOML).")
@sources_option
@format_option
@dsn_option
@click.option("--kafka", is_flag=True, help="Read the topics at BROKER_URL, and their costs, instead of files.")
@click.option(
    "--since", type=MOMENT, metavar="TIME", help="Write only figures from 2026-11-02 or 2026-11-02T10:00 on (UTC)."
)
@click.option("--until", type=MOMENT, metavar="TIME", help="Write only figures before such a day or minute (UTC).")
@click.option("--hand-over", is_flag=True, help="With --kafka: the workers, now stopped, go on in this database.")
@click.option("--anew", is_flag=True, help="With --kafka: do not go on where a replay that was ended had come to.")
@click.option("--replace", is_flag=True, help="Remove what the database holds of the same days first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what came of the files, and the report.")
@click.option("--strict", is_flag=True, help="End with 1 where a message, or a field of one, could not be used.")
def command(
    catalogue: Path,
    sources: Path | None,
    form: str | None,
    dsn: str | None,
    strict: bool,
    as_json: bool,
    costs: tuple[str, ...],
    **rest: Any,
) -> None:
    """Attribute events from files, or with --kafka from topics, and print the report.

    All that there is is read, since it may bear on every figure; --since and --until say which figures are written.
    With --kafka, a replay that was ended goes on where it had come to when it is run again as it was.
    """
    named = [EventFile(topic, path) for topic in KEYED for path in rest[topic]]
    chosen = config.load()
    place = dsn or chosen.clickhouse
    wanted = how(place, (catalogue, sources or chosen.sources), rest)
    _check_usage(named, rest["kafka"], wanted)
    goals, known = config.catalogue(catalogue), sources_of(sources, form)
    total = sum(ndjson.size(source.path) for source in named)
    _ = [ndjson.size(path) for path in costs]  # a file that is not there is found before anything is written
    kept, lies = key_file(place, chosen), _beside(place) / "dead-letters.ndjson"
    with database(place) as client, ndjson.DeadLetterFile(lies, rest["kafka"]) as letters:
        rules = _rules(client, chosen, goals, known, config.token_key_or_made_up(chosen.token_key, kept))
        if rest["kafka"]:
            from streams.cli.events import replay_kafka  # its clients take a while to import

            run: Replay = replay_kafka.run(client, rules, chosen, letters, wanted)
        else:
            run = Replay(rules, letters)
            _run(run, client, named, total, wanted)
        if refused := cost_files.load_ndjson(client, costs, goals, letters).errors:
            run.result.reasons["malformed"] += len(refused)
        _report(run, client, letters.path, as_json)
    _summary(run.result, goals, letters.path, how_to_see(dsn))
    if not chosen.token_key:
        _say_key(kept)
    _end(run.result, strict)


def _report(run: Replay, client: Client, letters: Path, as_json: bool) -> None:
    measured_lift.refresh(client, time.time_ns() // 1_000_000)
    if as_json:
        _tell(run, client, letters)
    elif run.result.used:
        render.render(client, None, render.DEFAULT_MODEL, out)


def _tell(run: Replay, client: Client, letters: Path) -> None:
    """For programs: what came of the files, and the report as `maalstrom report --format json` has it."""
    report = read(client, None, render.DEFAULT_MODEL)
    told = as_data(run.result, run.catalogue) | {
        "seconds": round(run.result.seconds, 3),
        "dead_letters_file": str(letters) if run.result.reasons else None,
        "report": content(report, language("en")),
    }
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _rules(client: Client, chosen: config.Settings, goals: Catalogue, known: Sources, key: bytes) -> LedgerSettings:
    """What the ledger goes by, once the database is known to be of the same key."""
    migrations.apply(client)
    fingerprint.claim(client, key)
    catalogue_rows.write_settings(client, chosen.smallest_group)
    return LedgerSettings(goals, key, replay=True, campaigns=chosen.campaigns, sources=known)


def _check_usage(named: Sequence[EventFile], kafka: bool, wanted: How) -> None:
    """Raises UsageError where the options do not fit each other."""
    if kafka and named:
        raise click.UsageError("--kafka reads topics instead of files; give one or the other")
    if not kafka and not named:
        raise click.UsageError("nothing to read: name files with --events, or topics with --kafka")
    if not kafka and (wanted.hand_over or wanted.anew):
        raise click.UsageError("--hand-over and --anew are for --kafka")


def _run(run: Replay, client: Client, named: Sequence[EventFile], total: int, wanted: How) -> None:
    tune_gc()
    run.ledger.enlist(audiences.read(client))
    with reading(total) as (bar, task):
        run.run(named, advance(bar, task))
        bar.update(task, description="writing")
        started = time.monotonic()
        rows = run.ledger.changes(time.time_ns() // 1_000_000_000 << 32)
        store(client, run.catalogue, rows, wanted.replace, wanted.bounds)
        run.result.seconds += time.monotonic() - started
    if (ends := wanted.bounds.ends(rows)) and period.holds_earlier_touches(client, ends[0]):
        err.print(_APART, soft_wrap=True)


def _beside(dsn: str) -> Path:
    """Dead letters lie beside an embedded database, else where the command is run."""
    folder = Path(unquote(dsn.removeprefix("chdb://"))).parent if dsn.startswith("chdb:///") else Path()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def key_file(dsn: str, chosen: config.Settings) -> Path | None:
    """Where a key that is made up is kept, so that another replay gives users the same hashes."""
    if dsn.startswith("chdb://memory"):
        return None
    return (_beside(dsn) if dsn.startswith("chdb:") else chosen.datadir) / "token-key"


def _summary(result: Replayed, goals: Catalogue, letters: Path, see: str) -> None:
    """What was read, on standard error: standard output is the report."""
    rate = result.events / max(result.seconds, 0.001)
    events = "1 event" if result.events == 1 else f"{result.events:,} events"
    err.print(f"{events} in {result.seconds:.1f} s ({rate:,.0f} a second)", highlight=False)
    for outcome in ("duplicate", "repeated", "no_consent"):
        if result.outcomes[outcome]:
            err.print(f"  {result.outcomes[outcome]:,} {outcome.replace('_', ' ')}", highlight=False)
    if result.reasons:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in result.reasons.most_common())
        err.print(
            f"  {result.reasons.total():,} dead letters ({reasons}), kept in {letters}", highlight=False, soft_wrap=True
        )
    for sentence in sentences(result, goals):
        err.print(f"  {sentence}", highlight=False, soft_wrap=True)
    if see:
        err.print(f"See it in a browser: {see}", soft_wrap=True)


def _end(result: Replayed, strict: bool) -> None:
    """Raises ClickException where nothing could be used; if `strict`, where anything could not."""
    first = f"; the first dead letter: {result.first}" if result.first else ""
    if not result.used:
        read = "all events were ignored" if result.outcomes["ignored"] and not first else "the files hold none"
        raise click.ClickException(one_line(f"nothing could be used{first or f': {read}'}"))
    if strict and result.unusable:
        letters, fields = result.reasons.total(), result.faults.total()
        raise click.ClickException(one_line(f"{letters:,} dead letters and {fields:,} fields could not be used{first}"))


def _say_key(kept: Path | None) -> None:
    where = f"made up and kept in {kept}" if kept else "made up for this run"
    err.print(f"Users are hashed with a key {where}; set MAALSTROM_TOKEN_KEY to use your own.", soft_wrap=True)
