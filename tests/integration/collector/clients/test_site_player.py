"""The demo's shop on the web before a real collector: what it sends arrives with its own times, and what nobody can use
is refused."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deploy.kafka.broker import Broker
from streams.core.catalogue.parse import parse
from streams.core.catalogue.readings import readings
from streams.core.door.canonical import Ignored
from streams.core.door.reader import NO_HEADERS, read
from streams.core.door.sources_toml import parse as parse_sources
from streams.demo.site_player import BUYERS, DIRT, SitePlayer, catalogue_text
from streams.simulate import catalogue_text as town_text
from streams.simulate.site import Site, month
from streams.simulate.site.words import SOURCES
from tests.integration.collector.clients.front import SERVER_KEY, Front

DAYS = 31


def test_a_month_of_the_demo_s_shop_goes_through_the_collector(kafka: Broker, tmp_path: Path) -> None:
    start = datetime.now(UTC).date() - timedelta(days=DAYS)
    text = town_text(start, DAYS) + catalogue_text("http://127.0.0.1:6066/")
    reading = readings(parse(text), parse_sources(SOURCES))["events"]
    site = Site(events=600, start=start, dirt=DIRT, buyers=BUYERS)
    truth = month(site).truth
    with Front(tmp_path, kafka.bootstrap, text, SOURCES) as front:
        player = SitePlayer(site.events, start, int(front.address.rpartition(":")[2]), SERVER_KEY)
        player.prepare()
        player.play(0.1, threading.Event(), lambda: True)
        records = front.until(lambda found: len(found) >= player.sent)
    # One of each kind that nobody can use; one has no time, and here it is that of its arrival.
    assert player.refused == len(truth["dead_letters"]) - 1
    assert len(records) == player.sent == sum(truth["outcomes"].values()) - player.refused
    items = [item for record in records for item in read(record.value, NO_HEADERS, reading)]
    assert [item.rejected for item in items if item.rejected] == []
    days = {_day(event.message.time) for item in items for event in item.events if not isinstance(event, Ignored)}
    assert min(days) >= start
    assert max(days) < start + timedelta(days=DAYS)
    assert len(days) > DAYS // 2


def _day(time: int) -> date:
    return datetime.fromtimestamp(time / 1000, UTC).date()
