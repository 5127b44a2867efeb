"""The units of systemd: what its own tools say of them, and that they start commands that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.agents.application import LAST_RESORT
from streams.cli.main import COMMANDS, main
from tests.e2e.commands import COMMAND

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
LOOSEST = 20  # tenths of the exposure that systemd-analyze reckons; a unit without any hardening has 96
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here (Debian's package systemd)")


def directives(unit: Path, name: str) -> list[str]:
    """What is said under that name, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


def _here(unit: Path, folder: Path) -> Path:
    """An instance of the unit that starts the command of this environment."""
    path = folder / unit.name.replace("@.", "@0.")
    path.write_text(unit.read_text("utf-8").replace("/opt/maalstrom/bin/maalstrom", COMMAND), "utf-8")
    return path


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    assert ANALYZE
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_there_is_one_for_the_worker_and_one_for_the_collector() -> None:
    assert [unit.name for unit in UNITS] == ["maalstrom-collect.service", "maalstrom-worker@.service"]


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_it_and_finds_it_confined(unit: Path, tmp_path: Path) -> None:
    here = _here(unit, tmp_path)
    done = _analyze("verify", here)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    rated = _analyze("security", "--offline=yes", "--no-pager", f"--threshold={LOOSEST}", here)
    assert rated.returncode == 0, rated.stdout + rated.stderr


@needs_systemd
def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    here = _here(UNITS[1], tmp_path)
    here.write_text(here.read_text("utf-8").replace("ProtectHome=", "ProtectHouse="), "utf-8")
    assert "ProtectHouse" in _analyze("verify", here).stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_starts_a_command_that_there_is(unit: Path) -> None:
    (command,) = directives(unit, "ExecStart")
    program, *arguments = command.split()
    assert program == "/opt/maalstrom/bin/maalstrom"
    if arguments == ["collect"] and "collect" not in COMMANDS:
        pytest.skip("there is no collector yet")
    done = CliRunner().invoke(main, [*arguments, "--help"])
    assert done.exit_code == 0, done.output


def test_no_secret_is_in_an_environment() -> None:
    texts = [path.read_text("utf-8") for path in FOLDER.iterdir()]
    assert not re.search(r"(TOKEN_KEY|PASSWORD|CLICKHOUSE)=", "\n".join(texts))
    (worker,) = FOLDER.glob("*worker*.service")
    assert {each.split(":")[0] for each in directives(worker, "LoadCredential")} == {"token-key", "clickhouse"}


def test_a_stop_has_the_time_that_a_worker_may_take() -> None:
    for unit in UNITS:
        (stop,) = directives(unit, "TimeoutStopSec")
        assert int(stop) > LAST_RESORT
