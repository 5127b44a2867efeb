"""What the tests against real servers share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.kafka.broker import Broker, UnavailableError, cluster, require_java


@pytest.fixture(scope="session")
def java() -> None:
    """Skip where no broker can run, and say why; in CI that is a failure."""
    try:
        require_java()
    except UnavailableError as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def kafka(java: None) -> Iterator[Broker]:
    """One real broker for the whole session; a test makes topics of its own and leaves the broker running."""
    with cluster() as single:
        yield single.brokers[0]
