"""Codes that are scanned, links that are followed and pixels that are shown: with a real Kafka, and with none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from deploy.kafka.broker import Broker
from streams.core.door.canonical import CompletionEvent, Ignored, Link, Touch, Words
from tests.e2e.browser import browser
from tests.e2e.commands import maalstrom, ok
from tests.integration.collector.clients.front import BROWSER_KEY, PATIENCE, Front
from tests.integration.collector.clients.published import ONLINE, installed, shop
from tests.integration.collector.clients.story import CATALOGUE
from tests.support.qr import scanned

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"
UTM = "utm_campaign=autumn&utm_source=poster&utm_medium=scan"


def get(address: str, headers: Mapping[str, str] | None = None) -> tuple[HTTPResponse, bytes]:
    """Ask as a telephone does, and follow nothing."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"User-Agent": PHONE, **(headers or {})})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_a_code_that_is_scanned_leads_to_the_shop_and_is_a_touch(kafka: Broker, tmp_path: Path) -> None:
    with Front(tmp_path, kafka.bootstrap) as front:
        ok(maalstrom("links", "qr", tmp_path / "codes", env=front.environment))
        answer, _ = get(scanned(tmp_path / "codes" / "poster.png"))
        assert (answer.status, answer.getheader("Location")) == (302, f"https://shop.example/autumn?{UTM}")
        assert answer.getheader("Cache-Control") == "no-store"
        (touch,) = front.arrived(1)
        assert isinstance(touch, Touch)
        assert (touch.action, touch.words, touch.message.token) == ("scan", Words("autumn", network="poster"), "")


def test_a_link_is_answered_at_once_where_kafka_is_down(tmp_path: Path) -> None:
    with Front(tmp_path) as front:
        began = time.monotonic()
        answers = [get(f"{front.address}/go/poster")[0] for _ in range(50)]
        assert {answer.status for answer in answers} == {302}
        assert time.monotonic() - began < PATIENCE / 2
        assert front.process.terminate(PATIENCE) == 0


def test_who_follows_a_link_is_sent_on_whatever_the_limit(tmp_path: Path) -> None:
    """One request a second may come without a key, two at once: the others are led on and not counted."""
    with Front(tmp_path, MAALSTROM_COLLECT_KEYLESS_RATE="1") as front:
        assert {get(f"{front.address}/go/poster")[0].status for _ in range(20)} == {302}
        answer, picture = get(f"{front.address}/pixel.gif?k=nobody&e=Email+Opened")
        assert (answer.status, picture[:6]) == (429, b"GIF89a")
        lost = front.process.metrics()[("maalstrom_collect_events_total", (("outcome", "not_taken"), ("route", "go")))]
        assert 10 <= lost <= 18


def test_a_scan_and_a_later_order_are_of_one_person(kafka: Broker, tmp_path: Path) -> None:
    """A real browser follows a link, gets a cookie, and the page's own SDK goes on with the id that is in it."""

    async def bought() -> None:
        async with shop(installed()) as pages, browser() as tab:
            text = CATALOGUE.replace("https://shop.example/autumn", f"{pages}/segment_browser.html")
            with Front(tmp_path, kafka.bootstrap, text, "[collect]\ncookie = true\n") as front:
                await tab.call("Network.setUserAgentOverride", userAgent=PHONE)
                await tab.call("Page.addScriptToEvaluateOnNewDocument", source=ONLINE)
                await tab.go(f"{front.address}/go/poster#collector={front.address}&key={BROWSER_KEY}")
                await tab.until("window.told")
                events = await asyncio.to_thread(front.arrived, 5)
            by_kind = {type(event): event for event in events}
            scan, order, link = by_kind[Touch], by_kind[CompletionEvent], by_kind[Link]
            assert isinstance(scan, Touch)
            assert isinstance(order, CompletionEvent)
            assert isinstance(link, Link)
            assert scan.action == "scan"
            assert [scan.message.anonymous_id, order.message.anonymous_id] == 2 * [link.anonymous]
            assert sum(isinstance(event, Ignored) for event in events) == 2  # the page, without utm, and the product

    asyncio.run(bought())


def test_a_pixel_is_a_touch_and_nothing_else(kafka: Broker, tmp_path: Path) -> None:
    with Front(tmp_path, kafka.bootstrap) as front:
        pixel = f"{front.address}/pixel.gif?a=lea&utm_campaign=autumn"
        seen = [get(f"{pixel}&{more}") for more in ("k=no&e=Email+Opened", f"k={BROWSER_KEY}&e=Order+Completed")]
        answer, picture = get(f"{pixel}&k={BROWSER_KEY}&e=Email%20Opened")
        assert [refused.status for refused, _ in seen] == [401, 400]
        assert {body for _, body in seen} == {picture}
        assert (answer.status, answer.getheader("Content-Type"), picture[:6]) == (200, "image/gif", b"GIF89a")
        (touch,) = front.arrived(1)
        assert isinstance(touch, Touch)
        assert (touch.action, touch.words) == ("view", Words("", "autumn", network="email"))
        assert touch.message.anonymous_id == "lea"
