"""Structured logs: one line of JSON an event on standard error, readable columns on a terminal."""

import sys
from typing import Any

import structlog

from streams.core.parsing.printable import one_line, printable

_SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _harmless(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Names and errors may be anybody's text. JSON escapes what steers a terminal; lines for people have to lose it."""
    return {name: _cleaned(name, value) if isinstance(value, str) else value for name, value in event.items()}


def _cleaned(name: str, text: str) -> str:
    return printable(text) if name in ("exception", "stack") else one_line(text)


def _renderers() -> list[Any]:
    if sys.stderr.isatty():
        return [_harmless, structlog.dev.ConsoleRenderer()]
    return [structlog.processors.JSONRenderer()]


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

#: Loggers of Faust's services, and of ours that are made of them: each tells that it starts and stops.
PARTS_OF_FAUST = ("faust", "mode", "streams.sources.kafka")


def config(level: str) -> dict[str, Any]:
    """The configuration of `logging` where our own lines are told from that level on.

    Faust tells of each of its parts as they start and stop; that is for who looks for a defect: told with DEBUG alone.
    """
    theirs = "INFO" if level == "DEBUG" else max("WARNING", level, key=_LEVELS.index)
    loggers = {name: {"level": theirs} for name in PARTS_OF_FAUST}
    return {**CONFIG, "root": {**CONFIG["root"], "level": level}, "loggers": {**CONFIG["loggers"], **loggers}}


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *_renderers(),
            ],
            "foreign_pre_chain": [*_SHARED, structlog.stdlib.PositionalArgumentsFormatter()],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "aiokafka": {"level": "CRITICAL"},
        **{name: {"level": "WARNING"} for name in PARTS_OF_FAUST},
        "aiohttp": {"level": "CRITICAL"},  # it would name who asked
        # What they would say of a ClickHouse that is down, we say once an attempt.
        "clickhouse_connect": {"level": "CRITICAL"},
        "urllib3.connectionpool": {"level": "ERROR"},
    },
}

structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
