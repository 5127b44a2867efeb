"""The wheel: all that is read at run time is in it, and it needs no repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CI
from tests.e2e.commands import environment

ROOT = Path(__file__).parents[2]
TAKEN = ("streams", "schemas", "grafana")  # folders with what is read at run time
UNAVAILABLE = ("Could not find a version", "No matching distribution", "Connection", "ConnectTimeout")


def _python(*arguments: str, python: Path = Path(sys.executable), cwd: Path | None = None) -> str:
    done = subprocess.run(
        [python, *arguments], cwd=cwd, env=environment(), capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode and not CI and any(word in done.stderr for word in UNAVAILABLE):
        pytest.skip(f"no package registry answers: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `make dist` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    quiet = ("--quiet", "--disable-pip-version-check")
    _python("-m", "pip", "wheel", *quiet, "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def _tracked() -> set[str]:
    """Files of the folders that the wheel is made of, by the names that they have in it."""
    listed = subprocess.check_output(["git", "ls-files", *TAKEN], cwd=ROOT, text=True).splitlines()
    return {name if name.startswith("streams/") else f"streams/{name}" for name in listed if (ROOT / name).exists()}


def test_everything_that_is_read_at_run_time_is_in_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert _tracked() <= names
    assert {name.split("/")[0] for name in names} == {"streams", wheel.name.rpartition("-py3")[0] + ".dist-info"}


@pytest.mark.registry
def test_in_an_empty_environment_the_demo_ends_well(wheel: Path, tmp_path: Path) -> None:
    empty, elsewhere = tmp_path / "environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    _python("-m", "venv", str(empty))
    python, constraints = empty / "bin" / "python", str(ROOT / "constraints.txt")
    _python("-m", "pip", "install", "--quiet", "--constraint", constraints, str(wheel), python=python)
    said = subprocess.run(
        [empty / "bin" / "maalstrom", "demo", "--exit"],
        cwd=elsewhere,
        env={"PATH": os.defpath, "HOME": str(elsewhere), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert said.returncode == 0, said.stdout[-2000:] + said.stderr[-2000:]
    assert "100 new customers in the shop" in said.stdout
    assert list(elsewhere.iterdir()) == []
