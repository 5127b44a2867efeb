"""A database has the users of one token key."""

from pathlib import Path

import pytest

from streams.core.ledger.settings import LedgerSettings
from streams.replay import EventFile, Replay
from streams.sinks.clickhouse import catalogue, fingerprint
from streams.sinks.clickhouse.client import Client
from streams.sinks.clickhouse.fingerprint import OtherKeyError
from streams.sinks.writer import write_rows
from streams.sources.files import DeadLetterFile
from tests.support.driver import CATALOGUE
from tests.support.messages import NOON, order

ONE, TWO = b"the key of the first", b"the key of the second"


def fill(client: Client, tmp_path: Path, key: bytes) -> None:
    (tmp_path / "checkout").write_bytes(order("o1", NOON, "1"))
    with DeadLetterFile(tmp_path / "dead") as letters:
        run = Replay(LedgerSettings(CATALOGUE, key, replay=True), letters)
        run.run([EventFile("checkout", str(tmp_path / "checkout"))], lambda *_: None)
    write_rows(client, run.ledger.changes(1))


def test_the_first_key_that_fills_a_database_stays(client: Client, tmp_path: Path) -> None:
    fingerprint.claim(client, TWO)
    fingerprint.claim(client, ONE)  # nobody is there yet
    fill(client, tmp_path, ONE)
    fingerprint.claim(client, ONE)
    catalogue.write_settings(client, 3)
    for refused in (fingerprint.claim, fingerprint.check):
        with pytest.raises(OtherKeyError, match="another MAALSTROM_TOKEN_KEY; set the one that it was filled with"):
            refused(client, TWO)
    fingerprint.check(client, ONE)


def test_a_database_without_a_fingerprint_is_not_claimed_by_a_look(blank: Client) -> None:
    fingerprint.check(blank, ONE)
    with pytest.raises(Exception, match="exist"):
        blank.query("SELECT 1 FROM settings")
