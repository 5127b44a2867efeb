import numpy as np

from streams.core.columns.column import Coded, Column, Ragged
from streams.core.columns.concat import joined
from tests.support.tables import rows


def part(*words: str) -> dict[str, Column]:
    n = len(words)
    spans = Ragged(np.array([0, *range(1, n + 1)]), Coded(np.arange(n), list(words)))
    return {
        "word": Coded(np.arange(n), list(words)),
        "number": np.arange(n),
        "text": [word.upper() for word in words],
        "span": spans,
        "credit": {"first": spans, "last": Ragged(np.zeros(n + 1, np.int64), np.zeros(0, np.int64))},
    }


def test_rows_of_all_parts_follow_each_other_in_every_kind_of_column() -> None:
    parts = [{"t": part("a", "b")}, {}, {"t": part("b"), "u": part("c")}]
    whole = joined(parts)
    assert rows(whole["t"]) == rows(part("a", "b")) + rows(part("b"))
    assert rows(whole["u"]) == rows(part("c"))


def test_a_word_that_several_parts_have_is_stored_once() -> None:
    whole = joined([{"t": part("a", "b")}, {"t": part("b", "a")}])
    word = whole["t"]["word"]
    assert isinstance(word, Coded)
    assert list(word.words) == ["a", "b"]
