"""The pages of docs/reference that are made of the code: `python -m tools.reference` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from streams.cli.main import COMMANDS, main
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, connect
from streams.telemetry.metrics import REGISTRY

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- Made by `make reference`: change the code, not this page. -->\n\n"
_OWN = """SELECT name, engine, sorting_key, engine LIKE '%View' AS view
FROM system.tables WHERE database = currentDatabase() ORDER BY view, name"""
_COLUMNS = "SELECT table, name, type, comment FROM system.columns WHERE database = currentDatabase() ORDER BY position"
_CREATED = re.compile(
    r"CREATE (?:OR REPLACE )?(?:MATERIALIZED )?(?:TABLE|VIEW)(?: IF NOT EXISTS)? `?(\w+)`?", re.IGNORECASE
)


def pages() -> dict[str, str]:
    """Each page by the name of its file."""
    made = {"commands": _commands(), "tables": _tables(), "metrics": _metrics()}
    return {f"{name}.md": "\n".join(lines).rstrip() + "\n" for name, lines in made.items()}


def _commands() -> Iterator[str]:
    yield f"# Commands\n\n{MADE}`maalstrom COMMAND --help` says the same."
    yield "Exit status: 0 done, 1 it failed (one line says why and what to do), 2 wrong usage, 130 stopped by Ctrl-C."
    yield "\n## Completion in the shell\n"
    yield "Put one line into `~/.bashrc` (for zsh: `zsh_source`; for fish: `fish_source`):\n"
    yield '```sh\neval "$(_MAALSTROM_COMPLETE=bash_source maalstrom)"\n```\n'
    context = click.Context(main, info_name="maalstrom")
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        yield from _command(command, f"maalstrom {name}", context)


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name.split()[-1], parent=parent)
    depth = "#" * len(name.split())
    if isinstance(command, click.Group):
        yield f"{depth} `{name}`\n\n{_text(command)}\n"
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from _command(found, f"{name} {each}", context)
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"{depth} `{name}`\n\n```text\n{name} {usage}\n```\n\n{_text(command)}\n"
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield "| option | what |\n|---|---|"
        yield from (_option(each, context) for each in options)
        yield ""


def _option(option: click.Option, context: click.Context) -> str:
    shown, text = option.get_help_record(context) or ("", "")
    return f"| `{shown}` | {_cell(text)} |"


def _text(command: click.Command) -> str:
    return re.sub(r"(?<!\n)\n(?!\n)", " ", (command.help or "").replace("\b", "").strip())


def _tables() -> Iterator[str]:
    yield f"# Tables and views\n\n{MADE}Of the database `maalstrom` in ClickHouse. Times are UTC. Read tables with"
    yield "`FINAL`, or the views: a row may be there twice until ClickHouse merges it away. All of it may be read; only"
    yield "maalstrom writes.\n"
    with connect("chdb://memory") as client:
        migrations.apply(client)
        yield from _read(client)


def _read(client: Client) -> Iterator[str]:
    texts, columns = dict(_comments()), client.query(_COLUMNS)
    tables = [row for row in client.query(_OWN) if not row["name"].startswith(".inner")]
    for view, title in ((0, "Tables"), (1, "Views")):
        yield f"## {title}\n"
        for row in (each for each in tables if each["view"] == view):
            yield f"### `{row['name']}`\n\n{texts.get(row['name'], '')}\n"
            if row["sorting_key"]:
                yield f"{row['engine']}, key: {row['sorting_key']}\n"
            yield "| column | type | what |\n|---|---|---|"
            own = (column for column in columns if column["table"] == row["name"])
            yield from (f"| `{c['name']}` | `{c['type']}` | {_cell(c['comment'])} |" for c in own)
            yield ""


def _comments() -> Iterator[tuple[str, str]]:
    """What stands above each table and view in its newest migration."""
    for migration in migrations.known():
        for statement in migration.statements:
            found = _CREATED.search(statement)
            lines = [line.removeprefix("--") for line in statement.splitlines() if line.startswith("--")]
            if found and lines:
                yield found[1], _prose(lines)


def _prose(lines: list[str]) -> str:
    """Indented lines stay lines."""
    text = "\n".join(f"    {line.strip()}" if line.startswith("   ") else line.strip() for line in lines)
    return re.sub(r"(?m)^(?! {4})(.*)\n(?= {4})", r"\1\n\n", re.sub(r"(?m)^( {4}.*)\n(?! {4})", r"\1\n\n", text))


def _metrics() -> Iterator[str]:
    yield f"# Metrics\n\n{MADE}A worker serves them at `/metrics` of its web port, for Prometheus. Labels are bounded:"
    yield "never a user, an order or a free text. Counters and histograms are by worker: sum them. What is known of a"
    yield "goal as a whole, any worker may publish: take the largest.\n"
    yield "| metric | type | labels | what |\n|---|---|---|---|"
    for family in sorted(REGISTRY.collect(), key=lambda each: each.name):
        labels = _labels(family.name)
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"| `{name}` | {family.type} | {labels} | {_cell(family.documentation)} |"


def _labels(name: str) -> str:
    known: Mapping[str, Any] = REGISTRY._names_to_collectors
    found = known.get(name) or known.get(f"{name}_total")
    return ", ".join(f"`{label}`" for label in getattr(found, "_labelnames", ()))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write() -> None:
    """Write every page anew."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
