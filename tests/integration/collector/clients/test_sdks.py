"""Published SDKs through `maalstrom collect` into a real Kafka: the worker's door reads what arrived as what it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from deploy.kafka.broker import Broker
from tests.e2e.browser import browser
from tests.integration.collector.clients.front import BROWSER_KEY, SERVER_KEY, Front
from tests.integration.collector.clients.published import BROWSERS, SERVERS, browse, installed, name_of, run, shop
from tests.integration.collector.clients.story import check


@pytest.fixture(scope="module")
def front(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A collector before Kafka, for all tests here."""
    with Front(tmp_path_factory.mktemp("sdks"), kafka.bootstrap) as front:
        yield front


@pytest.mark.parametrize("script", SERVERS)
def test_a_server_with_an_sdk(script: str, front: Front) -> None:
    asyncio.run(run(installed(), script, front.address, SERVER_KEY))
    check(front.arrived(4), name_of(script))


@pytest.mark.parametrize("script", ["segment_node.cjs", "segment_python.py", "rudder_python.py"])
def test_a_wrong_key_is_told_and_not_tried_again(script: str, front: Front) -> None:
    with pytest.raises(AssertionError, match=r"(?i)unauthorized"):
        asyncio.run(run(installed(), script, front.address, "wrong-key"))


@pytest.mark.parametrize("page", BROWSERS)
def test_a_page_with_an_sdk(page: str, front: Front) -> None:
    async def shown() -> None:
        async with shop(installed()) as pages, browser() as tab:
            await browse(tab, page, pages, front.address, BROWSER_KEY)
            check(await asyncio.to_thread(front.arrived, 4), name_of(page))
            assert tab.complaints == []

    asyncio.run(shown())
