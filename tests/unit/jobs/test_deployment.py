"""Whether a worker's database is called by what it is, and that nobody is stopped where nobody can tell."""

import asyncio
import socket
from dataclasses import replace

import pytest

from deploy.kafka.broker import free_ports
from streams.core.catalogue.parse import parse
from streams.core.door import sources_toml
from streams.core.ledger.settings import LedgerSettings
from streams.jobs.deployment import Deployment, address
from streams.kafka.members import client_id
from streams.sinks.clickhouse.client import Client
from streams.worker.tables import Tables
from streams.worker.watch.sink_watch import SinkWatch

DSN = "clickhouse://somebody:secret@ch.example:8123/maalstrom"


def test_an_address_names_the_database_and_no_secret() -> None:
    assert address(DSN) == "ch.example:8123/maalstrom"
    assert address("chdb:///var/db") == f"{socket.gethostname()}:/var/db"
    ids = {client_id(address(dsn)) for dsn in (DSN, DSN.replace("secret", "other"), f"{DSN}_2")}
    assert len(ids) == 2


def test_a_broker_that_cannot_be_asked_is_anothers_to_tell() -> None:
    (port,) = free_ports(1)
    assert Deployment(f"127.0.0.1:{port}", "g", "chdb://memory", lambda: None).look() == []


CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "g"
event = "E"
[[campaign]]
id = "c"
"""
FILES = {
    ("SOURCES", "has other sources than this worker ([[source]])"): (CATALOGUE, '[[source]]\ntopic = "t"'),
    ("SOURCES", "other sources than this worker (order_scope)"): (CATALOGUE, 'order_scope = "affiliation"'),
    ("SOURCES", "other sources than this worker (own_hosts)"): (CATALOGUE, 'own_hosts = ["shop.example"]'),
    ("SOURCES", "other sources than this worker (placeholders)"): (CATALOGUE, 'placeholders = ["gjest"]'),
    ("SOURCES", "other sources than this worker ([touch])"): (CATALOGUE, '[touch]\n"News" = { action = "click" }'),
    ("SOURCES", "other sources than this worker ([consent])"): (CATALOGUE, '[consent]\nadvertising = ["C0004"]'),
    ("SOURCES", "other sources than this worker ([networks])"): (CATALOGUE, '[networks]\nfacebook = ["fb-2"]'),
    ("CATALOGUE", "another catalogue than this worker (id_field)"): (
        CATALOGUE.replace('"E"', '"E"\nid_field = "invoice_id"'), "",
    ),
    ("CATALOGUE", "another catalogue than this worker (match)"): (CATALOGUE + 'match = { medium = "social" }', ""),
    ("CATALOGUE", "another catalogue than this worker (internal)"): (CATALOGUE + "internal = true", ""),
    ("CATALOGUE", "another catalogue than this worker ([rates])"): (CATALOGUE + '[rates]\nEUR = "11.60"', ""),
    ("CATALOGUE", "another catalogue than this worker (timezone)"): (f'timezone = "Europe/Oslo"\n{CATALOGUE}', ""),
    ("CATALOGUE", "another catalogue than this worker (goals h)"): (
        CATALOGUE.replace("[[camp", '[[goal]]\nid = "h"\nevent = "F"\n[[camp'), "",
    ),
}  # fmt: skip


def rules(catalogue: str, sources: str) -> LedgerSettings:
    return LedgerSettings(parse(catalogue), b"sixteen letters!", sources=sources_toml.parse(sources))


@pytest.mark.parametrize("said", FILES)
def test_who_goes_by_another_file_than_was_written_last_is_told(
    said: tuple[str, str], migrated: str, emptied: Client
) -> None:
    variable, words = said
    line = told(migrated, emptied, rules(CATALOGUE, ""), rules(*FILES[said]))
    assert words in line
    assert f"the same MAALSTROM_{variable}, or a deployment of its own another MAALSTROM_APP_ID" in line


ONE = rules(CATALOGUE, "")
SETTINGS = {
    "MAALSTROM_RETENTION": replace(ONE, retention=1),
    "MAALSTROM_LATENESS": replace(ONE, lateness=1),
    "MAALSTROM_CAMPAIGNS": replace(ONE, campaigns=1),
}


@pytest.mark.parametrize("variable", SETTINGS)
def test_who_goes_by_another_setting_than_the_last_worker_is_told(
    variable: str, migrated: str, emptied: Client
) -> None:
    line = told(migrated, emptied, ONE, SETTINGS[variable])
    assert f"has other settings than this worker ({variable})" in line
    assert f"the same {variable}, or a deployment of its own" in line


def told(database: str, client: Client, one: LedgerSettings, two: LedgerSettings) -> str:
    """What the one is told once the other has prepared the tables."""
    for each in (one, one, two):
        asyncio.run(Tables(client, each, 10, SinkWatch()).prepare(lambda: False))
    assert Deployment(None, "g", database, lambda: two).look() == []
    (line,) = Deployment(None, "g", database, lambda: one).look()
    return line
