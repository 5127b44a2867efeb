"""A dashboard's variables: what may be chosen, and that nothing else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.page.macros import Selection
from streams.page.variables import ALL, Option, Variable, VariableError, choose, from_rows, read

OPTIONS = tuple(Option(value, value.upper()) for value in "abc")


def variable(**given_: Any) -> Variable:
    plain: dict[str, Any] = {"name": "v", "type": "query", "query": "SELECT 1"}
    return read({"list": [plain | given_]})[0]


def test_queries_and_lists_are_read() -> None:
    asked = variable(query={"rawSql": "SELECT 2"}, label="Which", multi=True, includeAll=True, hide=2)
    assert (asked.sql, asked.label, asked.multi, asked.with_all, asked.hidden) == (
        "SELECT 2",
        "Which",
        True,
        True,
        True,
    )
    listed = variable(type="custom", query=r"One : 1, 2, a\,b", current={"value": ["2"]})
    assert (listed.sql, listed.options) == ("", (Option("1", "One"), Option("2", "2"), Option("a,b", "a,b")))
    assert listed.default == ("2",)
    assert read({"list": [{"name": "source", "type": "datasource"}]}) == ()


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"type": "textbox"}, "the variable v is of type textbox; the page takes query, custom"),
        ({"regex": "/x/"}, "has a regex; choose the values in its query"),
        ({"query": ""}, "has no query"),
    ],
)
def test_free_text_is_refused(given_: dict[str, Any], says: str) -> None:
    with pytest.raises(VariableError, match=says):
        variable(**given_)


def test_rows_are_values_or_values_and_texts() -> None:
    assert from_rows([("a",), ("b",), ("a",)]) == (Option("a", "a"), Option("b", "b"))
    assert from_rows([("1", "One")]) == (Option("1", "One"),)


@pytest.mark.parametrize(
    ("given_", "requested", "wanted", "unknown"),
    [
        ({}, None, Selection(("a",)), ()),
        ({}, ["b"], Selection(("b",)), ()),
        ({}, ["b", "c"], Selection(("b",)), ()),
        ({}, ["'; DROP TABLE goals --"], Selection(("a",)), ("'; DROP TABLE goals --",)),
        ({}, [ALL], Selection(("a",)), (ALL,)),
        ({"multi": True}, ["c", "b", "c"], Selection(("c", "b")), ()),
        ({"includeAll": True}, None, Selection(("a", "b", "c"), everything=True), ()),
        ({"includeAll": True, "multi": True}, ["a", ALL], Selection(("a", "b", "c"), everything=True), ()),
        ({"current": {"value": "c"}}, None, Selection(("c",)), ()),
        ({"current": {"value": "gone"}}, None, Selection(("a",)), ("gone",)),
        ({"type": "custom"}, ["b"], Selection(("b",), literal=True), ()),
    ],
)
def test_only_what_there_is_can_be_chosen(
    given_: dict[str, Any], requested: list[str] | None, wanted: Selection, unknown: tuple[str, ...]
) -> None:
    assert choose(variable(**given_), OPTIONS, requested) == (wanted, unknown)


def test_where_there_is_nothing_nothing_is_chosen() -> None:
    assert choose(variable(), (), None) == (Selection(()), ())


@given(st.booleans(), st.booleans(), st.lists(st.text() | st.sampled_from([*"abc", ALL])))
def test_what_is_chosen_is_always_an_option(multi: bool, with_all: bool, requested: list[str]) -> None:
    chosen, unknown = choose(variable(multi=multi, includeAll=with_all), OPTIONS, requested)
    assert set(chosen.values) <= set("abc")
    assert len(chosen.values) == 1 or multi or with_all
    assert not set(unknown) & set("abc")
