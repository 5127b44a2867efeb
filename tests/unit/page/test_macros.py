"""Grafana's macros, and that a value of a variable can be nothing but a value."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.page.macros import MacroError, Scope, Selection, expand, quoted
from streams.page.times import Range

SPAN = Range(1_700_000_000_123, 1_700_086_400_999)
SCOPE = Scope(
    SPAN,
    60_000,
    {
        "campaign": Selection(("autumn", "o'hara")),
        "everyone": Selection(("a", "b"), everything=True),
        "nobody": Selection(()),
        "step": Selection(("1 HOUR",), literal=True),
    },
)
LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("$__timeFilter(t)", "t >= toDateTime(1700000000) AND t <= toDateTime(1700086400)"),
        ("$__timeFilter(a(b, ')'))", "a(b, ')') >= toDateTime(1700000000) AND a(b, ')') <= toDateTime(1700086400)"),
        ("$__dateFilter(d)", "d >= toDate('2023-11-14') AND d <= toDate('2023-11-15')"),
        (
            "$__timeFilter_ms(t)",
            "t >= fromUnixTimestamp64Milli(1700000000123) AND t <= fromUnixTimestamp64Milli(1700086400999)",
        ),
        ("$__timeInterval(t) AS x", "toStartOfInterval(toDateTime(t), INTERVAL 60 second) AS x"),
        ("$__timeInterval_ms(t)", "toStartOfInterval(toDateTime64(t, 3), INTERVAL 60000 millisecond)"),
        ("$__fromTime, $__toTime()", "toDateTime(1700000000), toDateTime(1700086400)"),
        ("$__interval $__interval_s $__interval_ms", "1m 60 60000"),
        ("${__from} $__to", "1700000000123 1700086400999"),
        ("IN (${campaign:singlequote})", r"IN ('autumn', 'o\'hara')"),
        ("IN (${campaign:sqlstring})", r"IN ('autumn', 'o\'hara')"),
        ("IN (${nobody:singlequote})", "IN (NULL)"),
        ("INTERVAL $step", "INTERVAL 1 HOUR"),
        ("$__conditionalAll(c IN (${campaign:singlequote}), $campaign)", r"c IN ('autumn', 'o\'hara')"),
        ("$__conditionalAll(c IN (${everyone:singlequote}), ${everyone})", "1=1"),
        (
            "$__conditionalAll($__timeFilter(t) AND f(c, 1) = ',)', $campaign)",
            "t >= toDateTime(1700000000) AND t <= toDateTime(1700086400) AND f(c, 1) = ',)'",
        ),
        ("'it''s' -- $__timeFilter(t) ${x} '", "'it''s' -- $__timeFilter(t) ${x} '"),
        ('/* \' $x */ "a"', '/* \' $x */ "a"'),
    ],
)
def test_an_expansion(sql: str, wanted: str) -> None:
    assert expand(sql, SCOPE) == wanted


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("'${campaign}'", "a variable in quotes; write"),
        ("'${campaign:singlequote}'", "a variable in quotes"),
        ('"$campaign"', "a variable in quotes"),
        ("'$__timeFilter(t)'", "a variable in quotes"),
        ("${campaign}", "the variable campaign is not quoted; write \\${campaign:singlequote}"),
        ("${campaign:raw}", "is not quoted"),
        ("${campaign:csv}", "is not quoted"),
        ("$other", "there is no variable other"),
        ("$__nonsense(t)", "the page does not know .__nonsense; it knows conditionalAll"),
        ("$__timeFilter t", "does not know .__timeFilter"),
        ("$__timeFilter(a, b)", r"\$__timeFilter takes one argument, not \(a, b\)"),
        ("$__timeFilter()", r"takes one argument, not \(\)"),
        ("$__timeFilter(t", "the parenthesis at character 14 is not closed"),
        ("$__conditionalAll(a = 1)", "takes a condition and a variable"),
        ("$__conditionalAll(a = 1, 2)", "takes a condition and a variable"),
        ("SELECT 'open", "the ' at character 8 is not closed"),
    ],
)
def test_what_cannot_be_expanded_says_why(sql: str, says: str) -> None:
    with pytest.raises(MacroError, match=says):
        expand(sql, SCOPE)


@given(st.lists(st.text(), min_size=1))
def test_whatever_a_value_is_it_stays_a_value(values: list[str]) -> None:
    scope = Scope(SPAN, 1000, {"v": Selection(tuple(values))})
    expanded = expand("a IN (${v:singlequote}) AND b", scope)
    found = LITERAL.findall(expanded)
    assert LITERAL.sub("?", expanded) == f"a IN ({', '.join('?' * len(values))}) AND b"
    unescaped = [re.sub(r"\\(.)", lambda m: {"0": "\0"}.get(m[1], m[1]), each, flags=re.DOTALL) for each in found]
    assert unescaped == values


@given(st.text(alphabet="a$_{}()'\"`,:\\ -*/\n"))
@example("$__")
def test_any_text_is_expanded_or_refused(sql: str) -> None:
    with suppress(MacroError):
        assert "$__" not in LITERAL.sub("", re.sub(r"--[^\n]*|/\*.*?\*/|\"[^\"]*\"|`[^`]*`", "", expand(sql, SCOPE)))


def test_quotes_and_backslashes_and_zeros_are_escaped() -> None:
    assert quoted("a'b\\c\0") == r"'a\'b\\c\0'"
