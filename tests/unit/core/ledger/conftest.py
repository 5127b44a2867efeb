"""Every test of ledgers runs twice: with touches in memory, and with all of them in files."""

from collections.abc import Iterator

import pytest

from tests.support.disks.state import in_files


@pytest.fixture(autouse=True, scope="module", params=["memory", "files"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where touches are."""
    if request.param == "memory":
        yield "memory"
        return
    with in_files(tmp_path_factory.mktemp("state")) as files:
        yield "files"
        assert files.refused == ""
