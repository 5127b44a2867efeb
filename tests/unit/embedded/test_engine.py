from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.engine import Answer, Engine, EngineError, Statement, split_insert


@pytest.mark.parametrize(
    ("text", "insert", "name", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,a\n", b"INSERT INTO t ", "CSV", b"1,a\n"),
        (
            b"insert into t (a, format) format Native\n\x00FORMAT\n",
            b"insert into t (a, format) ",
            "Native",
            b"\x00FORMAT\n",
        ),
        (b"INSERT INTO t SETTINGS a=1 FORMAT TSV \r\n\t1", b"INSERT INTO t SETTINGS a=1 ", "TSV", b"\t1"),
        (
            b"/* FORMAT */ -- FORMAT\nINSERT INTO `FORMAT x` FORMAT CSV",
            b"/* FORMAT */ -- FORMAT\nINSERT INTO `FORMAT x` ",
            "CSV",
            b"",
        ),
        (b"INSERT INTO t FORMAT JSONEachRow {}", b"INSERT INTO t ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t VALUES (1, 'FORMAT CSV')", None, "", b""),
        (b"INSERT INTO t SELECT 1 FORMAT CSV", None, "", b""),
        (b"SELECT 'INSERT INTO t' FORMAT CSV", None, "", b""),
        (b"", None, "", b""),
    ],
)
def test_only_an_insert_has_data_after_its_format(text: bytes, insert: bytes | None, name: str, data: bytes) -> None:
    assert split_insert(text) == (text if insert is None else insert, name, data)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.close()


def text(engine: Engine, sql: str, **more: Any) -> str:
    return engine.run(Statement(sql.encode(), **more)).body.decode()


def test_each_statement_is_a_session_of_its_own(engine: Engine) -> None:
    text(engine, "CREATE DATABASE d")
    text(engine, "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a", database="d")
    assert text(engine, "SELECT getSetting('max_threads')", settings={"max_threads": "1"}) == "1\n"
    assert text(engine, "SELECT currentDatabase(), getSetting('max_threads') > 1 OR 1") == "default\t1\n"
    assert text(engine, "EXISTS TABLE t", database="d") == "1\n"


def test_what_only_reads_cannot_write(engine: Engine) -> None:
    with pytest.raises(EngineError, match="READONLY") as refused:
        text(engine, "CREATE TABLE t (a Int8) ENGINE = Memory", read_only=True)
    assert refused.value.code == 164
    assert text(engine, "SELECT 1 SETTINGS max_threads = 1", read_only=True) == "1\n"


def test_an_answer_names_its_format_when_there_is_a_result(engine: Engine) -> None:
    assert engine.run(Statement(b"CREATE TABLE t (a Int8) ENGINE = Memory")).format == ""
    assert engine.run(Statement(b"INSERT INTO t FORMAT CSV\n1\n2\n")) == Answer(b"", "", 2, 4, 2)
    assert engine.run(Statement(b"SELECT a FROM t WHERE a > 5")).format == "TabSeparated"
    assert engine.run(Statement(b"SELECT a FROM t FORMAT CSV SETTINGS max_threads = 1;")).format == "CSV"


@pytest.mark.parametrize("name", ["a-b", "", "a = 1, b", "x\n"])
def test_a_setting_must_have_a_name(engine: Engine, name: str) -> None:
    with pytest.raises(EngineError, match="not the name of a setting"):
        text(engine, "SELECT 1", settings={name: "1"})


def test_values_of_settings_are_quoted(engine: Engine) -> None:
    value = "it's \\ 1"
    assert text(engine, "SELECT getSetting('log_comment')", settings={"log_comment": value}) == "it\\'s \\\\ 1\n"
