"""The page's queries on the real engine, in this process and over HTTP: they read, they end, and they block nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.kafka.broker import free_ports
from streams.page import reader
from streams.page.macros import Scope, Selection, expand
from streams.page.times import Range
from streams.sinks.clickhouse import migrations
from streams.sinks.clickhouse.client import Client, DatabaseError, connect


@asynccontextmanager
async def reading(dsn: str) -> AsyncIterator[reader.Reader]:
    one = reader.Reader(dsn)
    try:
        yield one
    finally:
        await asyncio.to_thread(one.close)


def run(dsn: str, use: Callable[[reader.Reader], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        async with reading(dsn) as one:
            return await use(one)

    return asyncio.run(within())


async def columns(one: reader.Reader, sql: str) -> dict[str, list[Any]]:
    return dict(json.loads(await one.columns(sql))["data"])


@pytest.fixture(params=["embedded", "http"])
def dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database, embedded and over HTTP."""
    where = "chdb://memory"
    if request.param == "http":
        where = f"{request.getfixturevalue('clickhouse_server')}/page_reader"
    with connect(where) as client:
        migrations.apply(client)
        yield where


def test_an_answer_is_one_line_with_times_in_seconds(dsn: str) -> None:
    moment = "toDateTime('2026-11-02 09:00:00', 'UTC')"
    sql = f"SELECT {moment} AS t, 'a\\n\\tb' AS s, toDecimal64(1.5, 6) AS d, toUInt64(7) AS n"
    answer = run(dsn, lambda one: one.columns(sql))
    assert b"\n" not in answer
    assert json.loads(answer)["data"] == {"t": ["1793610000"], "s": ["a\n\tb"], "d": [1.5], "n": [7]}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO migrations (name) VALUES ('x')",
        "DROP TABLE migrations",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    ],
)
def test_nothing_but_reading_is_possible(dsn: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"READONLY|ACCESS_DENIED"):
        run(dsn, lambda one: one.columns(statement))


@settings(max_examples=40)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def _stays_a_value(one: reader.Reader, runner: asyncio.Runner, values: list[str]) -> None:
    sql = expand("SELECT [${v:singlequote}] AS v", Scope(Range(0, 1), 1000, {"v": Selection(tuple(values))}))
    assert runner.run(columns(one, sql)) == {"v": [values]}


def test_a_value_of_a_variable_is_exactly_that_in_clickhouse(embedded: Client) -> None:
    with asyncio.Runner() as runner:
        one = reader.Reader("chdb://memory")
        try:
            _stays_a_value(one, runner)
        finally:
            one.close()


def test_the_event_loop_goes_on_while_a_query_runs(dsn: str) -> None:
    async def both(one: reader.Reader) -> list[str]:
        done = []
        query = asyncio.create_task(one.columns("SELECT sleep(0.2)"))
        query.add_done_callback(lambda _: done.append("query"))
        await asyncio.sleep(0.001)
        done.append("loop")
        await query
        return done

    assert run(dsn, both) == ["loop", "query"]


@pytest.mark.parametrize(
    ("setting", "value", "sql", "says"),
    [
        (
            "max_execution_time",
            "0.1",
            "SELECT sum(cityHash64(number)) FROM numbers(60000000000)",
            "this took longer than 10 s; choose a shorter time range",
        ),
        (
            "max_result_rows",
            "10",
            "SELECT number FROM numbers(100000)",
            "this has more than 50000 rows; choose a short",
        ),
        ("max_memory_usage", "1000000", "SELECT groupArray(number) FROM numbers(10000000)", "needs more memory than"),
    ],
)
def test_a_query_that_is_too_much_ends_with_advice(
    dsn: str, setting: str, value: str, sql: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = {name: value if name == setting else kept for name, kept in reader._SETTINGS.items()}
    monkeypatch.setattr(reader, "_SETTINGS", limited)
    with pytest.raises(DatabaseError, match=says):
        run(dsn, lambda one: one.columns(sql))


def test_a_clickhouse_that_is_down_is_asked_once_and_says_what_to_do() -> None:
    async def twice(one: reader.Reader) -> list[BaseException | bytes]:
        return await asyncio.gather(*(one.columns("SELECT 1") for _ in range(6)), return_exceptions=True)

    (port,) = free_ports(1)
    errors = run(f"clickhouse://127.0.0.1:{port}/maalstrom", twice)
    assert all("check the address and that it is running" in str(error) for error in errors)
    assert len({id(error) for error in errors}) <= reader.THREADS


def test_a_database_without_tables_says_how_they_are_made(clickhouse_server: str) -> None:
    with pytest.raises(DatabaseError, match="a worker makes them when it starts, `maalstrom migrate` makes them now"):
        run(f"{clickhouse_server}/not_there", lambda one: one.columns("SELECT * FROM goals"))


def test_what_the_worker_writes_is_read_beside_it_and_closing_takes_nothing_from_it(dsn: str) -> None:
    async def read_twice(one: reader.Reader) -> list[list[str]]:
        sql = "SELECT name FROM migrations FINAL WHERE name LIKE 'page%' ORDER BY name"
        before = (await columns(one, sql)).get("name", [])
        worker.command("INSERT INTO migrations (name) VALUES ('page_was_here')")
        return [before, (await columns(one, sql))["name"]]

    with connect(dsn) as worker:
        assert run(dsn, read_twice) == [[], ["page_was_here"]]
        worker.command("ALTER TABLE migrations DELETE WHERE name = 'page_was_here' SETTINGS mutations_sync = 1")
