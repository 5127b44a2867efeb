"""`maalstrom rekey`: the way to another token key."""

import click

from streams import config
from streams.cli.console import Console
from streams.cli.layout import layout_of
from streams.cli.options import database
from streams.core.events.topics import journal_topic
from streams.kafka.rekey import Begun
from streams.kafka.rekey import rekey as begin_anew
from streams.sinks.clickhouse import fingerprint, migrations

out = Console(soft_wrap=True)


@click.command("rekey")
@click.option("--from", "former", metavar="APP_ID", required=True, help="MAALSTROM_APP_ID of the workers until now.")
def command(former: str) -> None:
    """Make way for another MAALSTROM_TOKEN_KEY, while no worker runs.

    Set the environment of the new workers first: the new key, another MAALSTROM_APP_ID, and another database
    (MAALSTROM_CLICKHOUSE). They read again all that the topics hold. Figures of the time before stay where they are.
    """
    chosen = config.load()
    key, layout = config.token_key(chosen.token_key), layout_of(chosen)
    with database(None) as client:
        migrations.apply(client)
        fingerprint.claim(client, key)
        place = client.place
    _say(begin_anew(chosen.bootstrap, chosen.topic_prefix + former, layout), place)
    out.print(
        "When they have read all: erase again who was erased, import audiences and rates, and show this database\n"
        f"instead of the old one. Then delete the old key, topic {journal_topic(chosen.topic_prefix + former)}, and\n"
        "the old database where its figures are not needed.",
        highlight=False,
    )


def _say(begun: Begun, place: str) -> None:
    for topic, records in begun.deleted.items():
        out.print(f"{topic}: {records} records of the old key are deleted", highlight=False)
    since = f"from {begun.oldest:%Y-%m-%d %H:%M} UTC on" if begun.oldest else "which is nothing yet"
    out.print(
        f"Start the workers with this environment. They read all that the topics hold, {since}, into {place};\n"
        "`maalstrom topics lag` says how far they are.",
        highlight=False,
    )
