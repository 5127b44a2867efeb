"""Two versions of one journal's form side by side under load, forward and back: what a release promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.support.harness import Rig, simulated
from tests.integration.support.people import several_tokens

pytestmark = pytest.mark.faults  # minutes

ROOT = Path(__file__).resolve().parents[4]
# The first commit whose journal, forwarded records and tables are of today's versions; once a release is, its tag.
EARLIER = "3f56aec"


def earlier(folder: Path) -> dict[str, str]:
    """What a worker's environment needs to run the earlier version, which is put into that folder."""
    packed = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"this clone has not the commit {EARLIER}: {packed.stderr.decode().strip()}")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
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
