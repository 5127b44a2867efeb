"""What several tests of the commands read."""

from __future__ import annotations

import pytest

from tests.e2e.commands import Month, maalstrom, ok
from tests.e2e.stage import month_dsn, stage

__all__ = ["month", "month_dsn", "stage"]


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month with more refunds, duplicates and disorder than anybody has."""
    folder = tmp_path_factory.mktemp("month")
    shares = ["--refunds", "0.3", "--duplicates", "0.1", "--disorder", "0.2"]
    ok(maalstrom("simulate", folder, "--events", "8000", "--seed", "11", "--users", "500", *shares))
    return Month(folder)
