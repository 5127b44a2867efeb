"""The field cases beside the repository, and a catalogue of two goals for records like theirs."""

import os
from pathlib import Path

import pytest

from tests.conftest import CI

CASES = Path(os.environ.get("SHARED", Path(__file__).resolve().parents[3] / "shared")) / "cases"
CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order completed"
[[goal]]
id = "renewals"
event = "Order Completed"
where = { plan = "year" }
[[campaign]]
id = "autumn"
"""


def case(name: str) -> Path:
    """The folder of a field case; skips the test where it is not here."""
    folder = CASES / name
    if not folder.is_dir():
        assert not CI, f"{folder} is missing"
        pytest.skip(f"the field cases are not here: {folder} is missing")
    return folder
