"""Everything that is wrong in a file of settings is told, with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue.faults import faults
from streams.core.catalogue.parse import parse
from streams.core.door import sources_toml
from streams.core.parsing.toml import CatalogueError

GOOD = """base_currency = "NOK"
timezone = "Europe/Oslo"
[[goal]]
id = "g"
event = "E"
target = 3
windows = { click = "7d" }
[[campaign]]
id = "a"
aliases = ["b", "c"]
end = 2026-12-31
[[campaign]]
id = "d"
coupons = ["X"]
match = { network = "facebook" }
[[holdout]]
campaign = "a"
share = 0.5
salt = "s"
[[link]]
code = "p"
to = "https://x.example/"
campaign = "d"
"""


def lines(text: str) -> list[int]:
    """The lines of the faults of a catalogue."""
    return [int(fault.split(":")[1]) for fault in faults(parse, text, "c")]


def test_a_good_file_has_none() -> None:
    assert faults(parse, GOOD, "c") == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"target = 3": 'target = "x"', "end = 2026-12-31": "end = 1", "share = 0.5": "share = 5"}, [6, 11, 18]),
        ({'base_currency = "NOK"': "", 'salt = "s"': "salt = 1"}, [1, 19]),
        ({'base_currency = "NOK"': 'base_currency = "kroner"', 'to = "https://x.example/"': 'to = "x"'}, [1, 22]),
        ({'event = "E"': "", "target = 3": "target = 0"}, [3, 6]),
        ({'id = "g"': "", 'id = "a"': "id = 1", 'campaign = "a"': 'campaign = "nobody"'}, [3, 9]),
        ({'id = "d"': 'id = "B"', 'coupons = ["X"]': "coupons = 1"}, [13, 14]),
        ({'code = "p"': 'code = "?"', 'campaign = "d"': 'campaign = "z"', 'salt = "s"': "sale = 1"}, [16, 19, 21, 23]),
        ({"[[goal]]": "[[gaol]]", 'id = "d"': "id = []"}, [1, 3, 13]),
        ({"[[link]]": "[[link"}, [20]),
    ],
)  # fmt: skip
def test_each_fault_is_told(changes: dict[str, str], wrong: list[int]) -> None:
    text = GOOD
    for good, bad in changes.items():
        assert good in text
        text = text.replace(good, bad, 1)
    assert lines(text) == wrong


def test_each_item_of_a_list_is_told() -> None:
    text = 'own_hosts = ["https://a", "b.example", "c/d"]\n[[source]]\nformat = "csv"\n'
    found = [fault.split(";")[0] for fault in faults(sources_toml.parse, text, "s")]
    assert found == [
        's:1: "https://a" is no host',
        's:1: "c/d" is no host',
        "s:2: topic is missing",
        's:3: there is no format "csv"',
    ]


def refused(text: str) -> str:
    """Why a catalogue is refused, '' where it is not."""
    try:
        parse(text, "c")
    except CatalogueError as error:
        return str(error)
    return ""


BAD = st.sampled_from(["", 'id = "a"', "x = 1", "[[goal]]", "[[campaign]]", 'campaign = "z"', "salt = []", "[a]", "["])


@given(st.dictionaries(st.integers(0, GOOD.count("\n") - 1), BAD, max_size=8))
def test_what_is_refused_first_is_among_all_that_is_told(changes: dict[int, str]) -> None:
    text = "\n".join(changes.get(at, line) for at, line in enumerate(GOOD.splitlines()))
    told = faults(parse, text, "c")
    first = refused(text)
    assert first in told if first else told == []
    assert len(set(told)) == len(told)
