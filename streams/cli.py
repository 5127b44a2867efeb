"""The command line: what people type, put together from the other modules."""

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streams import catalogue_rows, config, migrations, ndjson, period, report, simulate
from streams.brokers import BrokerError
from streams.cli_operator import dlq_, topics_
from streams.clickhouse import Client, DatabaseError, connect
from streams.core.catalogue import Catalogue
from streams.core.credit import MODELS
from streams.core.ledger import CHECKOUT, ENGAGEMENT, Rules
from streams.core.rows import Rows
from streams.embedded.demo import Demo, DemoError
from streams.embedded.engine import EngineError
from streams.embedded.screen import watch
from streams.replay import Replay, Replayed, Source
from streams.sink import write_rows

FAILURES = (config.ConfigError, DatabaseError, BrokerError, EngineError, DemoError, OSError, ValueError)
out = Console()
err = Console(stderr=True)


class Commands(click.Group):
    """A command that fails says so in one line and ends with 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FAILURES as error:
            raise click.ClickException(_one_line(error)) from None


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="maalstrom")
def main() -> None:
    """Count goals, and say which means brought them."""


def dsn_option(command: Callable[..., None]) -> Callable[..., None]:
    """--clickhouse, with the environment's as its default."""
    text = "Default: MAALSTROM_CLICKHOUSE, else chdb:// with the folder maalstrom-data/clickhouse here."
    return click.option("--clickhouse", "dsn", metavar="DSN", help=text)(command)


def _database(dsn: str | None) -> Client:
    return connect(dsn or config.settings().clickhouse)


@main.command("migrate")
@dsn_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def migrate(dsn: str | None, dry_run: bool) -> None:
    """Make or update the tables."""
    with _database(dsn) as client:
        done = migrations.pending(client) if dry_run else migrations.apply(client)
        for migration in done:
            out.print(f"{'would apply' if dry_run else 'applied'} {migration.name}", highlight=False)
        if not done:
            out.print("nothing to do: the database is up to date")


FILES = {
    "multiple": True,
    "metavar": "FILE",
    "help": "NDJSON, one event a line; .gz and .zst too; - is standard input.",
}


@main.command("replay")
@click.option("--engagement", **FILES)  # type: ignore[arg-type]
@click.option("--checkout", **FILES)  # type: ignore[arg-type]
@click.option("--catalogue", type=Path, required=True, metavar="FILE", help="Goals and campaigns (TOML).")
@dsn_option
@click.option("--replace", is_flag=True, help="Remove what the database holds of the same period first.")
def replay(
    engagement: tuple[str, ...], checkout: tuple[str, ...], catalogue: Path, dsn: str | None, replace: bool
) -> None:
    """Attribute events from files, and print the report."""
    sources = [Source(ENGAGEMENT, path) for path in engagement] + [Source(CHECKOUT, path) for path in checkout]
    if not sources:
        raise click.UsageError("nothing to read: name files with --engagement and --checkout")
    chosen, goals = config.settings(), config.catalogue(catalogue)
    key, made_up = config.token_key_or_new(chosen.token_key)
    total = sum(ndjson.size(source.path) for source in sources)
    with _database(dsn) as client, ndjson.DeadLetterFile(_beside(dsn or chosen.clickhouse)) as letters:
        migrations.apply(client)
        run = Replay(Rules(goals, key, replay=True), letters)
        with _progress() as bar:
            run.run(sources, _advance(bar, total))
        started = time.monotonic()
        _store(client, goals, run.ledger.changes(time.time_ns() // 1_000_000_000 << 32), replace)
        run.result.seconds += time.monotonic() - started
        report.render(client, None, report.DEFAULT_MODEL, out)
    _summary(run.result, letters.path, made_up)


def _beside(dsn: str) -> Path:
    """Dead letters lie beside an embedded database, else where the command is run."""
    folder = Path(unquote(dsn.removeprefix("chdb://"))).parent if dsn.startswith("chdb:///") else Path()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "dead-letters.ndjson"


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    return Progress(*columns, TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal)


def _advance(bar: Progress, total: int) -> Callable[[int, int], None]:
    task, started, events = bar.add_task("reading", total=total or None, rate=""), time.monotonic(), 0

    def advance(count: int, read: int) -> None:
        nonlocal events
        events += count
        bar.update(task, advance=read, rate=f"{events / (time.monotonic() - started):,.0f} events/s")

    return advance


def _store(client: Client, goals: Catalogue, rows: Rows, replace: bool) -> None:
    """Write a replay's rows. Raises ConfigError where a worker has reported the same period."""
    starts = [
        int(at) for table in ("goal_attribution", "engagement_counts") if table in rows for at in _ends(rows, table)
    ]
    if starts:
        first, last = min(starts) * 1000, max(starts) * 1000
        if replace:
            period.remove_rows(client, first, last)
        elif period.holds_live_rows(client, first, last):
            raise config.ConfigError(
                f"the database holds what a worker reported between {_moment(first)} and {_moment(last)}; "
                "replay into another database, or give --replace to remove that period first"
            )
    catalogue_rows.write_catalogue(client, goals)
    write_rows(client, rows)


def _ends(rows: Rows, table: str) -> tuple[int, int]:
    starts = rows[table]["window_start"]
    return min(starts), max(starts)  # type: ignore[arg-type]


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _summary(result: Replayed, letters: Path, made_up: bool) -> None:
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
    if made_up:
        err.print(
            "Users are hashed with a key made up for this run; set MAALSTROM_TOKEN_KEY to keep the same hashes.",
            soft_wrap=True,
        )


@main.command("report")
@click.option("--goal", metavar="GOAL", help="One goal only.")
@click.option("--model", type=click.Choice(list(MODELS)), default=None, help="How credit is shared.")
@dsn_option
def report_(goal: str | None, model: str | None, dsn: str | None) -> None:
    """Print what was reached, and which means brought it."""
    with _database(dsn) as client:
        report.render(client, goal, model or report.DEFAULT_MODEL, out)


@main.command("simulate")
@click.argument("folder", type=Path)
@click.option("--events", type=click.IntRange(0), default=100_000, show_default=True, help="Records in all.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default="2026-10-01", show_default=True)
@click.option("--days", type=click.IntRange(1), default=31, show_default=True)
@click.option("--users", type=click.IntRange(1), help="Default: one for ten events.")
@click.option("--refunds", type=click.FloatRange(0, 1), default=0.08, show_default=True)
@click.option("--duplicates", type=click.FloatRange(0, 1), default=0.01, show_default=True)
@click.option(
    "--disorder", type=click.FloatRange(0, 1), default=0.03, show_default=True, help="Share that arrives hours late."
)
@click.option(
    "--organic",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="Share that would have bought anyway.",
)
def simulate_(folder: Path, start: datetime, **chosen: float) -> None:
    """Write events with known causes, and a catalogue, into FOLDER."""
    scenario = simulate.Scenario(start=start.date(), **chosen)  # type: ignore[arg-type]
    done = simulate.write(folder, scenario)
    out.print(
        f"{done.engagement:,} engagement and {done.checkout:,} checkout events in {folder}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"{done.orders:,} orders, of them {done.organic:,} that nobody caused; truth.ndjson says which", highlight=False
    )


@main.command("clickhouse")
@click.option("--path", type=Path, required=True, metavar="FOLDER", help="Where the data lies; made when missing.")
@click.option("--port", type=click.IntRange(0, 65535), default=8123, show_default=True)
def clickhouse(path: Path, port: int) -> None:
    """Serve an embedded ClickHouse over its HTTP interface, on 127.0.0.1, until Ctrl-C."""
    from streams.embedded.clickhouse import serve

    serve(path, port=port)


@main.command("worker")
def worker() -> None:
    """Consume events from Kafka until stopped; configured by environment variables alone (README)."""
    from streams.app import run

    run()


@main.command("demo")
@click.option("--exit", "leave", is_flag=True, help="End after the report.")
def demo(leave: bool) -> None:
    """Play a simulated campaign month through Kafka, the worker and ClickHouse, all on this machine."""
    out.print("Starting a broker, ClickHouse and a worker (nothing leaves this machine) ...")
    with Demo() as running, connect(running.dsn) as client:
        watch(running, client, out)
        report.render(client, None, report.DEFAULT_MODEL, out)
        if not leave:
            _stay(running.dsn, running.web)


def _stay(dsn: str, web: str) -> None:
    out.print("Still running; another terminal can ask, for example:", highlight=False)
    out.print(
        f"  maalstrom report --goal new-customers --model time_decay --clickhouse {dsn}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"Metrics are at {web}/metrics. Ctrl-C ends it.", highlight=False)
    try:
        signal.pause()
    except KeyboardInterrupt:
        out.print("Stopping ...")


for operators in (topics_, dlq_):
    main.add_command(operators)
