"""The command that attributes events from files."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streams import catalogue_rows, config, costs, migrations, ndjson, period, report
from streams.cli_options import FilesCommand, database, dsn_option
from streams.clickhouse import Client
from streams.core.catalogue import Catalogue
from streams.core.identity import IDENTITY
from streams.core.intake import CHECKOUT, ENGAGEMENT
from streams.core.rows import Rows
from streams.core.rules import Rules
from streams.replay import Replay, Replayed, Source
from streams.sink import write_rows

out = Console()
err = Console(stderr=True)

FILES = {
    "multiple": True,
    "metavar": "FILE...",
    "help": "NDJSON, one event a line; .gz and .zst too; - is standard input.",
}


@click.command("replay", cls=FilesCommand)
@click.option("--engagement", **FILES)  # type: ignore[arg-type]
@click.option("--checkout", **FILES)  # type: ignore[arg-type]
@click.option("--identity", **FILES)  # type: ignore[arg-type]
@click.option("--costs", "cost_files", **FILES)  # type: ignore[arg-type]
@click.option("--catalogue", type=Path, required=True, metavar="FILE", help="Goals and campaigns (TOML).")
@dsn_option
@click.option("--replace", is_flag=True, help="Remove what the database holds of the same days first.")
def replay(
    engagement: tuple[str, ...],
    checkout: tuple[str, ...],
    identity: tuple[str, ...],
    cost_files: tuple[str, ...],
    catalogue: Path,
    dsn: str | None,
    replace: bool,
) -> None:
    """Attribute events from files, and print the report."""
    files = {ENGAGEMENT: engagement, CHECKOUT: checkout, IDENTITY: identity}
    sources = [Source(topic, path) for topic, paths in files.items() for path in paths]
    if not engagement and not checkout:
        raise click.UsageError("nothing to read: name files with --engagement and --checkout")
    chosen, goals = config.settings(), config.catalogue(catalogue)
    place = dsn or chosen.clickhouse
    total = sum(ndjson.size(source.path) for source in sources)
    for path in cost_files:
        ndjson.size(path)  # a file that is not there is found before anything is written
    with database(place) as client, ndjson.DeadLetterFile(_beside(place) / "dead-letters.ndjson") as letters:
        migrations.apply(client)
        catalogue_rows.write_settings(client, chosen.smallest_group)
        kept = key_file(place, chosen)
        run = Replay(Rules(goals, config.token_key_or_made_up(chosen.token_key, kept), replay=True), letters)
        with _progress() as bar:
            task = bar.add_task("reading", total=total or None, rate="")
            run.run(sources, _advance(bar, task))
            bar.update(task, description="writing")
            started = time.monotonic()
            _store(client, goals, run.ledger.changes(time.time_ns() // 1_000_000_000 << 32), replace)
            run.result.seconds += time.monotonic() - started
        refused = costs.load_ndjson(client, cost_files, goals, letters).errors
        report.render(client, None, report.DEFAULT_MODEL, out)
    if refused:
        run.result.reasons["malformed"] += len(refused)
    _summary(run.result, letters.path)
    if not chosen.token_key:
        _say_key(kept)


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


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    return Progress(*columns, TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal)


def _advance(bar: Progress, task: TaskID) -> Callable[[int, int], None]:
    started, events = time.monotonic(), 0

    def advance(count: int, read: int) -> None:
        nonlocal events
        events += count
        bar.update(task, advance=read, rate=f"{events / (time.monotonic() - started):,.0f} events/s")
        if bar.finished:
            bar.update(task, description="attributing")

    return advance


def _store(client: Client, goals: Catalogue, rows: Rows, replace: bool) -> None:
    """Write a replay's rows. Raises ConfigError where the database holds other figures of the same period."""
    starts = [
        int(at) for table in ("goal_attribution", "engagement_counts") if table in rows for at in _ends(rows, table)
    ]
    if starts:
        first, last = min(starts) * 1000, max(starts) * 1000
        if replace:
            # Journeys are counted by the day; only what a worker reported of its other hours is not in these files.
            days = period.whole_days(first, last)
            period.remove_rows(client, *((first, last) if period.holds_live_rows(client, *days) else days))
        else:
            _refuse_other_rows(client, first, last, rows)
    catalogue_rows.write_catalogue(client, goals)
    write_rows(client, rows)


def _refuse_other_rows(client: Client, first: int, last: int, rows: Rows) -> None:
    """Raises ConfigError where the database holds figures of the period that these would add to."""
    if period.holds_live_rows(client, first, last):
        held = "what a worker reported"
    elif period.holds_other_replay(client, *(days := period.whole_days(first, last)), rows):
        held, (first, last) = "another replay, of other files or with another catalogue,", days
    else:
        return
    raise config.ConfigError(
        f"the database holds {held} between {_moment(first)} and {_moment(last)}; "
        "replay into another database, or give --replace to remove that period first"
    )


def _ends(rows: Rows, table: str) -> tuple[int, int]:
    starts = rows[table]["window_start"]
    return min(starts), max(starts)  # type: ignore[arg-type]


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _summary(result: Replayed, letters: Path) -> None:
    """What was read, on standard error: standard output is the report."""
    rate = result.events / max(result.seconds, 0.001)
    err.print(f"{result.events:,} events in {result.seconds:.1f} s ({rate:,.0f} a second)", highlight=False)
    for outcome in ("duplicate", "ignored", "no_consent"):
        if result.outcomes[outcome]:
            err.print(f"  {result.outcomes[outcome]:,} {outcome.replace('_', ' ')}", highlight=False)
    if result.reasons:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in result.reasons.most_common())
        err.print(
            f"  {result.reasons.total():,} dead letters ({reasons}), kept in {letters}", highlight=False, soft_wrap=True
        )


def _say_key(kept: Path | None) -> None:
    where = f"made up and kept in {kept}" if kept else "made up for this run"
    err.print(f"Users are hashed with a key {where}; set MAALSTROM_TOKEN_KEY to use your own.", soft_wrap=True)
