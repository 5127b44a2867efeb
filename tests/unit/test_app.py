from pathlib import Path

import pytest

from streams import config
from streams.app import create_app
from streams.core.catalogue import parse
from streams.core.rules import Rules
from streams.web import listen

GOAL = '[[goal]]\nid = "g"\nname = "G"\nevent = "Order Completed"\nunit = "orders"\nvalue = 1\n'
RULES = Rules(parse(f'base_currency = "NOK"\n{GOAL}'), b"sixteen letters!", retention=10**10)


@pytest.mark.parametrize(("said", "seconds"), [(None, 15.0), ("40", 40.0)])
def test_a_dead_worker_is_missed_after_seconds_unless_faust_is_told_otherwise(
    said: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BROKER_SESSION_TIMEOUT", raising=False)
    if said:
        monkeypatch.setenv("BROKER_SESSION_TIMEOUT", said)
    chosen = config.Settings(clickhouse="chdb://memory", datadir=tmp_path)
    with listen("127.0.0.1", 0) as listening:
        conf = create_app(chosen, RULES, listening, partitions=1).conf
    assert conf.broker_session_timeout == seconds
    assert 3 * conf.broker_heartbeat_interval <= seconds
    assert conf.broker_request_timeout >= seconds
