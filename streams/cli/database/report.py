"""`maalstrom report`: what was reached, by which means, and whether it paid."""

import time
from datetime import datetime

import click

from streams.cli.console import Console
from streams.cli.options import database, dsn_option
from streams.jobs import removal_effects
from streams.reports import render
from streams.reports.goal_progress import MARKOV, MODELS
from streams.reports.period import period_of
from streams.reports.report import Report, read
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client
from streams.texts import LANGUAGES, language
from streams.texts.names import MODELS as NAMES

out = Console()
FORMATS = ("text", "json", "csv", "html")
_DAY = click.DateTime(["%Y-%m-%d"])
_MODELS = "How credit is shared. " + " ".join(f"{model} = {NAMES[model]}." for model in (*MODELS, MARKOV))


@click.command("report")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="html is a page for a meeting.")
@click.option("--since", type=_DAY, metavar="DAY", help="First day, such as 2026-10-01, in the catalogue's time zone.")
@click.option("--until", type=_DAY, metavar="DAY", help="Last day, itself included.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="English or Norwegian (bokmål).")
@click.option("--goal", metavar="GOAL", help="One goal only, by its id.")
@click.option("--model", type=click.Choice([*MODELS, MARKOV]), default=render.DEFAULT_MODEL, help=_MODELS)
@dsn_option
def command(
    form: str, since: datetime | None, until: datetime | None, lang: str, goal: str | None, model: str, dsn: str | None
) -> None:
    """Print what was reached, which campaigns brought it, and whether it paid.

    A page for a meeting: maalstrom report --format html --since 2026-10-01 > report.html
    """
    if model == MARKOV and (since or until):
        raise click.UsageError("markov is worked out over all conversions: leave out --since and --until")
    if since and until and until < since:
        raise click.UsageError(f"--until {until.date()} is before --since {since.date()}")
    with database(dsn) as client:
        if model == MARKOV:
            _refresh_removal_effects(client, goal)
        days = period_of(client, since and since.date(), until and until.date())
        _write(read(client, goal, model, days), client.place, form, lang)


def _write(report: Report, place: str, form: str, lang: str) -> None:
    from streams.reports.forms.as_csv import as_csv
    from streams.reports.forms.as_html import as_html
    from streams.reports.forms.as_json import as_json

    said = language(lang)
    if form == "json":
        click.echo(as_json(report, said))
    elif form == "csv":
        click.echo(as_csv(report, said), nl=False)
    elif form == "html":
        click.echo(as_html(report, place, said), nl=False)
    else:
        render.render_report(report, place, said, out)


def _refresh_removal_effects(client: Client, goal: str | None) -> None:
    """Raises ValueError where that cannot be done for what is asked for."""
    migrations.apply(client)
    for failed, why in removal_effects.refresh(client, int(time.time())).items():
        if goal in (None, failed):
            raise ValueError(f"no removal effects for goal {failed}: {why}")
