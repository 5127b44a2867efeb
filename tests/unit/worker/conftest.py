"""The ledgers of a partition's tests, in this process and in another, and the worker that has them."""

import asyncio
from collections.abc import Iterator

import pytest

from streams.core.ledger.settings import LedgerSettings
from streams.worker.ledgers.proxy import LedgerPool
from tests.support.driver import CATALOGUE, KEY
from tests.support.messages import DAY
from tests.support.worker.partition_owner import Owner


@pytest.fixture(scope="module", params=[0, 1], ids=["here", "elsewhere"])
def ledgers(request: pytest.FixtureRequest) -> Iterator[LedgerPool]:
    kept = LedgerPool(LedgerSettings(CATALOGUE, KEY, retention=45 * DAY), 1, request.param)
    yield kept
    asyncio.run(kept.close())


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, ledgers: LedgerPool) -> Owner:
    return Owner(monkeypatch, ledgers)
