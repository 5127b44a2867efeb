"""The demo's members are people of the simulated month."""

from pathlib import Path

from streams import simulate
from streams.core.identity.tokens import Tokens
from streams.demo.members import NAME, enlist
from streams.sinks import audiences
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import connect
from tests.support.driver import KEY


def test_one_in_five_of_those_who_are_known_is_a_member(tmp_path: Path) -> None:
    dsn, scenario = f"chdb://{tmp_path}/db", simulate.Scenario(events=2000)
    with connect(dsn) as client:
        migrations.apply(client)
    enlist(dsn, KEY, scenario.people)
    with connect(dsn) as client:
        found = audiences.read(client)
    known = {record.key for record in simulate.generate(scenario) if record.key.startswith("user-")}
    members = set(found.token.tolist()) & set(Tokens(KEY).hashes(sorted(known)).tolist())
    assert NAME in found.names
    assert 0.1 < len(members) / len(known) < 0.3
