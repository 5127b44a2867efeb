"""The command that forgets a person, and the one that searches for what is left."""

import asyncio
import time

import click

from streams import config
from streams.cli.console import Console
from streams.cli.events.replay import key_file
from streams.cli.options import database, dsn_option
from streams.core.events.topics import KEYED, journal_topic
from streams.core.identity.tokens import Tokens
from streams.kafka.clients import BrokerError
from streams.kafka.erasure import JournalView, Person, Topics, topics_of
from streams.sinks.clickhouse import erasure, fingerprint
from streams.sinks.clickhouse.client import Client

out = Console(soft_wrap=True)
_WAIT = 60.0  # s until the worker must have followed
_LOOK = 0.5  # s between looks
_KEPT = (
    "kept until Kafka drops them: events in the topics engagement, checkout and identity (MAALSTROM_RETENTION), which "
    "are not read again; and the request, which has its keyed hash: `maalstrom replay --kafka` follows it\n"
    "kept: engagement_users and campaign_users. They estimate how many people were seen, nobody can be taken out of "
    "them, and of small groups they may tell a hash. Also kept: counts without a user"
)

_IN_THE_END = {
    (False, False): "nothing is left of that token: nothing was found of it. See that it is written as events have it",
    (True, False): "nothing is left of that token",
    (True, True): "something is left",
}


@click.command("erase")
@click.argument("token")
@click.option("--verify", is_flag=True, help="Change nothing; say where there is something of TOKEN.")
@dsn_option
@click.pass_context
def command(ctx: click.Context, /, token: str, verify: bool, dsn: str | None) -> None:
    """Forget the user with that TOKEN: journeys, rows and dead letters; totals stay. Needs MAALSTROM_TOKEN_KEY.

    The worker must be running (BROKER_URL): it follows the request, and this waits for it. With --clickhouse, only that
    database is looked at, which `replay` alone may have filled. Ends with 1 when something is left, and says where
    nothing was found at all.
    """
    if not token:
        raise click.UsageError("TOKEN is empty")
    chosen = config.load()
    key = _key(chosen, dsn)
    person = Person(token, Tokens(key))
    with database(dsn) as client:
        fingerprint.check(client, key)
        if dsn is None:
            before, left = asyncio.run(_everywhere(chosen, client, person, verify))
        else:
            before, left = _in_database(client, person, verify)
    out.print(_IN_THE_END[before, left])
    ctx.exit(int(left))


def _key(chosen: config.Settings, dsn: str | None) -> bytes:
    """The worker's key; of a database that `replay` fills, the one that it may have made up."""
    kept = key_file(dsn, chosen) if dsn else None
    given = kept.read_text("utf-8") if kept and kept.exists() and not chosen.token_key else chosen.token_key
    return config.token_key(given)


async def _everywhere(chosen: config.Settings, client: Client, person: Person, verify: bool) -> tuple[bool, bool]:
    """Whether there was something of the person, and whether there is now."""
    keyed = (*KEYED, *config.more_topics(chosen))
    async with topics_of(chosen.bootstrap, chosen.group, keyed) as topics:
        journal = JournalView(topics, journal_topic(chosen.group), person)
        # A database that does not answer, or a journal of another key, is found before anything is done.
        tables, named = _tables(client, person), await journal.look()
        letters = False if verify else await _erase(topics, journal, client, person)
        found = {"the journal": await journal.look(), "dead letters": len(await topics.letters(person))}
        replaced = journal.replaced
    found |= _tables(client, person)
    left = _say(found)
    if replaced:
        out.print(f"kept until Kafka compacts the journal's topic: {replaced} replaced records that have it")
    out.print(_KEPT)
    return left or bool(named) or letters or any(tables.values()), left


async def _erase(topics: Topics, journal: JournalView, client: Client, person: Person) -> bool:
    """Have the worker forget the person, and remove rows and dead letters; whether there were any of these. Raises
    TimeoutError."""
    await _follow(topics, journal, person)
    erasure.erase(client, person.hash, time.time_ns() // 1_000_000)
    await topics.remove(letters := await topics.letters(person), person)
    await _trim(topics)
    return bool(letters)


async def _follow(topics: Topics, journal: JournalView, person: Person) -> None:
    """Ask, and wait until the journal has nothing of the person: by then all that follows is written. Raises
    TimeoutError."""
    place = await topics.ask(person)
    deadline = time.monotonic() + _WAIT
    while not (await topics.taken(*place) and not await journal.look()):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"the request is in topic erasures, and after {_WAIT:.0f} s no worker has followed it; start "
                "`maalstrom worker`, and run this again: the token's rows and dead letters are still there"
            )
        await asyncio.sleep(_LOOK)


async def _trim(topics: Topics) -> None:
    try:
        await topics.trim()
    except BrokerError as error:
        out.print(f"kept until MAALSTROM_RETENTION: forwarded records, which have its hash ({error})")


def _in_database(client: Client, person: Person, verify: bool) -> tuple[bool, bool]:
    found = _tables(client, person)
    before = any(found.values())
    if not verify:
        if erasure.reported_live(client, person.hash):
            raise click.ClickException(
                "a worker has reported that token's conversions, and would again; run this without --clickhouse "
                "(MAALSTROM_CLICKHOUSE says which database) while the worker runs"
            )
        erasure.erase(client, person.hash, time.time_ns() // 1_000_000)
        found = _tables(client, person)
    left = _say(found)
    out.print("take that token's lines out of your files, too: a replay of them brings its rows back")
    out.print(_KEPT.splitlines()[-1])
    return before or left, left


def _tables(client: Client, person: Person) -> dict[str, int]:
    return {f"table {name}": rows for name, rows in erasure.traces(client, person.hash).items()}


def _say(found: dict[str, int]) -> bool:
    for place, number in found.items():
        out.print(f"{place}: {number or 'nothing'}{' found' if number else ''}")
    return any(found.values())
