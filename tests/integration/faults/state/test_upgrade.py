"""Two versions of one journal's form side by side under load, forward and back: what a release promises."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from streams.core.rows.tables import TABLES
from streams.sinks.clickhouse import migrations
from tests.e2e.commands import Done, environment, maalstrom, ok
from tests.integration.support.harness import Rig, simulated
from tests.integration.support.people import several_tokens
from tests.integration.support.records import Feed

pytestmark = pytest.mark.faults  # minutes

ROOT = Path(__file__).resolve().parents[4]
# The first commit whose journal, forwarded records and tables are of today's versions; once a release is, its tag.
EARLIER = "3f56aec"
LATER = "9999_later"  # a migration


def earlier(folder: Path) -> dict[str, str]:
    """What a worker's environment needs to run the earlier version, which is put into that folder."""
    packed = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"this clone has not the commit {EARLIER}: {packed.stderr.decode().strip()}")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
    return out_of(folder)


def later(folder: Path) -> dict[str, str]:
    """The same of a version to come, whose migration does what ours have done: adds a column to every table and makes a
    new one, widens a sum, and replaces every view."""
    for part in ("streams", "schemas", "grafana"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "schemas" / "clickhouse" / f"{LATER}.sql").write_text(";\n".join([*changes(), *views()]) + ";\n")
    return out_of(folder)


def changes() -> list[str]:
    names = [name for name, table in TABLES.items() if table.engine != "Null" and name != "migrations"]
    return [
        *(f"ALTER TABLE {name}\n    ADD COLUMN IF NOT EXISTS later UInt8 DEFAULT 7" for name in names),
        "ALTER TABLE goal_attribution\n    MODIFY COLUMN value Decimal(76, 6)",
        "CREATE TABLE IF NOT EXISTS later\n(a UInt8)\nENGINE = ReplacingMergeTree\nORDER BY a",
    ]


def views() -> list[str]:
    """Each view made anew, as it was made last."""
    made = r"^CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?(\w+)"
    statements = [statement for migration in migrations.known() for statement in migration.statements]
    last = {found[1]: each for each in statements if (found := re.search(made, each, re.MULTILINE))}
    assert len(last) > 10
    return [re.sub(made, r"CREATE OR REPLACE VIEW \1", each, flags=re.MULTILINE) for each in last.values()]


def out_of(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def test_the_earlier_version_is_another_one(tmp_path: Path) -> None:
    env = earlier(folder := tmp_path / "earlier")
    command = [sys.executable, "-c", "import streams; print(streams.__file__)"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == folder / "streams" / "__init__.py"


def test_two_versions_side_by_side_forward_and_back(rig: Rig, tmp_path: Path) -> None:
    records = several_tokens(simulated(2_000, seed=71, refunds=0.3, duplicates=0.05, disorder=0.2), seed=71)
    old, new = rig.worker(None, **earlier(tmp_path / "earlier")), rig.worker()
    old.start()
    rig.send(records[:500])
    rig.settle()
    new.start()  # forward: one after the other, while events come
    rig.send(records[500:900])
    new.wait_ready()
    rig.send(records[900:1_100])
    rig.settle()
    assert old.terminate(20) == 0
    rig.send(records[1_100:1_300])
    rig.settle()
    old.start()  # and back
    rig.send(records[1_300:1_500])
    old.wait_ready()
    assert new.terminate(20) == 0
    rig.send(records[1_500:1_800])
    rig.settle()
    old.kill()  # what the earlier version wrote last is read by the later one
    new.start()
    rig.send(records[1_800:])
    rig.settle()


def migrate(rig: Rig, version: Mapping[str, str], *arguments: str) -> Done:
    """`maalstrom migrate` of that version."""
    command = [sys.executable, "-m", "streams", "migrate", *arguments, "--clickhouse", rig.dsn]
    done = subprocess.run(command, env=environment(version), capture_output=True, text=True, timeout=60)
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_database_is_migrated_while_a_worker_of_the_earlier_version_writes(rig: Rig, tmp_path: Path) -> None:
    records = several_tokens(simulated(6_000, seed=72, refunds=0.3, duplicates=0.05, disorder=0.2), seed=72)
    version = later(tmp_path / "later")
    old, new = rig.worker(), rig.worker(None, **version)
    old.start()
    rig.send(records[:1_000])
    rig.settle()
    with Feed(rig.bootstrap, records[1_000:5_000], seconds=10) as feed:
        assert LATER in ok(migrate(rig, version, "--dry-run")).out
        assert LATER in ok(migrate(rig, version)).out
        assert feed.is_alive(), "the worker had nothing to write meanwhile"
    rig.settle()
    old.wait_ready()
    new.start()
    rig.send(records[5_000:])
    new.wait_ready()
    assert old.terminate(20) == 0
    rig.settle()
    assert LATER in maalstrom("migrate", "--clickhouse", rig.dsn).err, "there is no way back but the backup"
