"""What people who had never seen it fell over: each says what is wrong, and what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import DatabaseError, connect
from tests.conftest import serve
from tests.e2e.commands import COMMAND, embedded, environment, maalstrom, ok

CATALOGUE = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "E"\n'


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.toml"
    path.write_text(CATALOGUE, "utf-8")
    return path


def test_a_replay_that_is_stopped_says_that_it_may_be_run_again(catalogue: Path, tmp_path: Path) -> None:
    dsn = embedded(tmp_path / "figures")
    command = [COMMAND, "replay", "--checkout", "-", "--catalogue", str(catalogue), "--clickhouse", dsn]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "token-key").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    while process.poll() is None and time.monotonic() < deadline:  # once more where the first was lost in the engine
        process.send_signal(signal.SIGINT)
        time.sleep(1)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT), said
    assert said.endswith("Stopped. It may be run again: nothing is counted twice.\n")
    assert "Traceback" not in said


def test_a_wrong_password_is_called_so_and_not_printed(tmp_path: Path) -> None:
    process, address = serve(tmp_path, password="hush")
    try:
        host = address.removeprefix("http://")
        done = maalstrom("report", "--clickhouse", f"clickhouse://default:secret-guess@{host}/maalstrom")
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
    assert done.status == 1
    assert "refused the log-in of user default with its password" in done.err
    assert "no answer" not in done.err
    assert "secret-guess" not in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("inside", [False, True])
def test_a_folder_of_another_owner_is_said_to_be_closed(inside: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "figures"
        with connect(embedded(folder)) as client:
            migrations.apply(client)
        Path(name).chmod(0o755)
        folder.chmod(0o777 if inside else 0o700)
        os.seteuid(65534)
        try:
            with pytest.raises(DatabaseError, match=r"cannot be opened \(permission denied\)"):
                connect(embedded(folder)).query("SELECT 1")
        finally:
            os.seteuid(0)


def test_without_holdouts_it_is_said_that_everybody_is_shown_everything(catalogue: Path) -> None:
    env = {"MAALSTROM_CATALOGUE": str(catalogue), "MAALSTROM_TOKEN_KEY": "a key of the tests"}
    done = ok(maalstrom("holdout", "u1", env=env))
    assert done.out == ""
    assert "has no [[holdout]]: every campaign is shown to everybody" in done.err


def test_a_table_in_a_pipe_is_as_wide_as_its_names(catalogue: Path, tmp_path: Path) -> None:
    name = "A hundred new customers in the shop before the end of the year"
    catalogue.write_text(CATALOGUE.replace('event = "E"', f'event = "E"\nname = "{name}"'), "utf-8")
    orders = tmp_path / "orders.ndjson"
    orders.write_text(
        '{"type": "track", "event": "E", "messageId": "1", "timestamp": "2026-11-02T09:00:00Z", "userId": "u"}\n',
        "utf-8",
    )
    done = ok(maalstrom("replay", "--checkout", orders, "--catalogue", catalogue, cwd=tmp_path))
    assert done.out.count(name) >= 2
    assert done.err.startswith("1 event in ")
