"""The command line: what people type, put together from the other modules."""

import signal
import time
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from streams import config, migrations, removal, report, simulate
from streams.brokers import BrokerError
from streams.cli_erase import erase
from streams.cli_operator import costs_, dlq_, topics_
from streams.cli_options import database, dsn_option
from streams.cli_replay import replay
from streams.clickhouse import Client, DatabaseError, connect
from streams.core.holdout import Holdouts
from streams.embedded.demo import Demo, DemoError
from streams.embedded.engine import EngineError
from streams.embedded.screen import watch
from streams.progress import MARKOV, MODELS

FAILURES = (config.ConfigError, DatabaseError, BrokerError, EngineError, DemoError, OSError, ValueError)
out = Console()
err = Console(stderr=True)

SHARE = {"type": click.FloatRange(0, 1), "default": 0.0, "show_default": True}


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


@main.command("migrate")
@dsn_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def migrate(dsn: str | None, dry_run: bool) -> None:
    """Make or update the tables."""
    with database(dsn) as client:
        done = migrations.pending(client) if dry_run else migrations.apply(client)
        for migration in done:
            out.print(f"{'would apply' if dry_run else 'applied'} {migration.name}", highlight=False)
        if not done:
            out.print("nothing to do: the database is up to date")


@main.command("report")
@click.option("--goal", metavar="GOAL", help="One goal only.")
@click.option("--model", type=click.Choice([*MODELS, MARKOV]), default=None, help="How credit is shared.")
@dsn_option
def report_(goal: str | None, model: str | None, dsn: str | None) -> None:
    """Print what was reached, and which means brought it."""
    with database(dsn) as client:
        if model == MARKOV:
            _refresh_removal_effects(client, goal)
        report.render(client, goal, model or report.DEFAULT_MODEL, out)


def _refresh_removal_effects(client: Client, goal: str | None) -> None:
    """Raises ValueError where that cannot be done for what is asked for."""
    migrations.apply(client)
    for failed, why in removal.refresh(client, int(time.time())).items():
        if goal in (None, failed):
            raise ValueError(f"no removal effects for goal {failed}: {why}")


@main.command("holdout")
@click.argument("token")
def holdout(token: str) -> None:
    """Say which campaigns are not to be shown to the user with that token (MAALSTROM_CATALOGUE, MAALSTROM_TOKEN_KEY).

    One line for each [[holdout]] of the catalogue: the campaign, a tab, and `hold` or `show`.
    """
    chosen = config.settings()
    goals = config.catalogue(chosen.catalogue)
    held = Holdouts(goals, config.token_key(chosen.token_key)).of(token)
    for each in goals.holdouts:
        click.echo(f"{each.campaign.id}\t{'hold' if each.campaign.id in held else 'show'}")


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
@click.option("--seekers", **SHARE, help="Share of those who click a search advertisement on the way.")  # type: ignore[arg-type]
@click.option("--late-logins", **SHARE, help="Share of people who are known by an anonymous id until they buy.")  # type: ignore[arg-type]
@click.option("--shared", **SHARE, help="Share of pairs of people who use one browser.")  # type: ignore[arg-type]
@click.option("--holdout", **SHARE, help="Share to whom a campaign is not shown, by MAALSTROM_TOKEN_KEY.")  # type: ignore[arg-type]
@click.option("--kafka", is_flag=True, help="Also send them to Kafka (BROKER_URL).")
def simulate_(folder: Path, start: datetime, kafka: bool, holdout: float, **chosen: float) -> None:
    """Write events with known causes, and a catalogue, into FOLDER."""
    key = config.token_key(config.settings().token_key) if holdout else b""
    scenario = simulate.Scenario(start=start.date(), holdout=holdout, token_key=key, **chosen)  # type: ignore[arg-type]
    done = simulate.write(folder, scenario)
    out.print(
        f"{done.engagement:,} engagement and {done.checkout:,} checkout events in {folder}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"{done.orders:,} orders, of them {done.organic:,} that nobody caused; truth.ndjson says which", highlight=False
    )
    if kafka:
        bootstrap = config.settings().bootstrap
        simulate.send(bootstrap, simulate.generate(scenario))
        out.print(f"all of them sent to Kafka at {bootstrap}", highlight=False, soft_wrap=True)


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
    # Asked to end, as by Ctrl-C: its processes end with it, and leave no port taken.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out.print("Starting a broker, ClickHouse and a worker (nothing leaves this machine) ...")
    with Demo() as running, connect(running.dsn) as client:
        out.print(f"Watch it in a browser: {running.web}/", highlight=False)
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
    out.print(f"The dashboards are at {web}/ and metrics at {web}/metrics. Ctrl-C ends it.", highlight=False)
    try:
        signal.pause()
    except KeyboardInterrupt:
        out.print("Stopping ...")


for command in (replay, topics_, dlq_, costs_, erase):
    main.add_command(command)
