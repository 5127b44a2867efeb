"""`maalstrom audience`: who your customers, members or residents are."""

from pathlib import Path

import click

from streams import config
from streams.cli.console import Console
from streams.cli.events.replay import key_file
from streams.cli.groups import Suggesting
from streams.cli.options import dsn_option
from streams.core.door.fields.names import normal
from streams.core.identity.tokens import Tokens
from streams.core.parsing.printable import one_line
from streams.core.rows.members import BOUGHT_BEFORE
from streams.sinks import audiences
from streams.sinks.clickhouse import fingerprint, migrations
from streams.sinks.clickhouse.client import connect
from streams.sources import token_lists

_LONGEST = 64  # characters of a name

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


@click.group("audience", cls=Suggesting)
def command() -> None:
    """Lists of customers, members or residents, to see who engages and who converts."""


@command.command("import")
@click.argument("name")
@click.argument("file", type=Path)
@click.option("--replace", is_flag=True, help="FILE is the whole list: whoever is not in it is taken off.")
@dsn_option
@click.pass_context
def import_(ctx: click.Context, /, name: str, file: Path, replace: bool, dsn: str | None) -> None:
    """Put the tokens in FILE, one a line, on the list NAME. Needs the worker's MAALSTROM_TOKEN_KEY.

    Only keyed hashes of them are kept. A token is a user id or an anonymous id, as events have it. Lines that are none
    are listed, and then it ends with 1; the others go in. FILE may be `-`, standard input, or end in .gz or .zst.
    """
    name, chosen = _named(name), config.load()
    place = dsn or chosen.clickhouse
    found = token_lists.read(file, config.sources(chosen.sources).placeholders)
    if not found.tokens:
        raise click.ClickException(f"{file}: no token in it" + "".join(f"; {error}" for error in found.errors[:1]))
    key = config.token_key_or_made_up(chosen.token_key, key_file(place, chosen))
    with connect(place) as client:
        migrations.apply(client)
        fingerprint.claim(client, key)
        done = audiences.write(client, name, Tokens(key).hashes(list(found.tokens)).tolist(), replace)
    for error in found.errors:
        err.print(error)
    off = f", {done.removed:,} taken off" if replace else ""
    out.print(f"{done.added:,} tokens added to {name}{off}; {done.total:,} are on it")
    if found.nobody:
        err.print(f"{found.nobody:,} lines passed over: what programs write for nobody (null, guest, 0)")
    if done.total < chosen.smallest_group:
        err.print(f"a list of fewer than {chosen.smallest_group} is never shown (MAALSTROM_SMALLEST_GROUP)")
    err.print("a worker counts them within seconds, by all that it retains; after `replay`, replay the files again")
    ctx.exit(int(bool(found.errors)))


def _named(name: str) -> str:
    """As it is shown everywhere. Raises UsageError."""
    shown = one_line(" ".join(name.split()))
    if not shown or len(shown) > _LONGEST:
        raise click.UsageError(f"NAME is to have 1 to {_LONGEST} characters")
    if normal(shown) == BOUGHT_BEFORE:
        raise click.UsageError(f"{BOUGHT_BEFORE!r} is counted by itself; give the list another name")
    return shown
