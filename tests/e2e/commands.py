"""The commands as a user runs them: real processes, a database to look into, and files to feed them with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.core.catalogue.parse import Catalogue, parse
from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse.client import connect
from tests.integration.support.written import differences, read_tables, summary
from tests.support.judged import expected

COMMAND = str(Path(sys.executable).with_name("maalstrom"))
TOKEN_KEY = "a secret of the tests"
TOPICS = ("events", "engagement", "checkout", "identity")
SHOP = """base_currency = "NOK"
[[goal]]
id = "orders"
name = "Orders"
event = "Order Completed"
unit = "orders"
value = "revenue"
"""
_OURS = ("MAALSTROM_", "BROKER_URL", "WEB_BIND", "WEB_PORT", "COLUMNS", "FORCE_COLOR")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any configuration of ours, but what is given."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)} | dict(given or {})


def maalstrom(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=environment(env),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def ok(done: Done) -> Done:
    """The command, which must have succeeded."""
    assert done.status == 0, f"status {done.status}\n{done.out[-2000:]}\n{done.err[-4000:]}"
    return done


def embedded(folder: Path) -> str:
    """The DSN of an embedded database."""
    return f"chdb://{folder}"


def dump(dsn: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table as readers see it, versions aside, sorted."""
    with connect(dsn) as client:
        return {
            name: client.query(f"SELECT {_readable(name)} FROM {name} FINAL ORDER BY ALL")
            for name, table in TABLES.items()
            if table.engine != "Null" and name != "migrations"
        }


def _readable(table: str) -> str:
    if "users" in TABLES[table].columns:
        return "* REPLACE (finalizeAggregation(users) AS users)"
    return "* EXCEPT (version)"


def unlike_reference(
    dsn: str, catalogue: str, records: Iterable[tuple[str, bytes | None]], key: str = TOKEN_KEY
) -> str:
    """Where the tables differ from the oracle for these records, by a catalogue's text; '' when they are equal."""
    wanted = expected(records, catalogue)
    with connect(dsn) as client:
        lines = differences(read_tables(client), wanted, key.encode())
    return summary(lines) if lines else ""


@dataclass(frozen=True)
class Month:
    """A simulated month in files."""

    folder: Path

    @property
    def catalogue(self) -> Catalogue:
        """Its goals and campaigns."""
        return parse(self.catalogue_text)

    @property
    def catalogue_text(self) -> str:
        """Its goals and campaigns, as the file has them."""
        return (self.folder / "catalogue.toml").read_text("utf-8")

    def lines(self, topic: str) -> list[bytes]:
        """The events of one topic, in the order of arrival; none where it has no file."""
        file = self.folder / f"{topic}.ndjson"
        return file.read_bytes().splitlines() if file.exists() else []

    @property
    def records(self) -> list[tuple[str, bytes | None]]:
        """All events, topic by topic."""
        return [(topic, line) for topic in TOPICS for line in self.lines(topic)]

    @property
    def arguments(self) -> list[str | Path]:
        """What `replay` is given to read it."""
        files = {topic: self.folder / f"{topic}.ndjson" for topic in TOPICS}
        given = [part for topic, file in files.items() if file.exists() for part in (f"--{topic}", file)]
        return [*given, "--catalogue", self.folder / "catalogue.toml"]
