"""What commands and logs print on a terminal: whatever is in a name, it does not steer it."""

import io
import os
import pty
import subprocess
import sys

from rich.table import Table
from rich.text import Text

from streams.cli.console import Console

EVIL = "\x1b]0;title\x07\x1b[31mred \u202eevil"
HARMLESS = "]0;title[31mred evil"
LOG = f"""
import logging.config, structlog
from streams.telemetry import logs
logging.config.dictConfig(logs.CONFIG)
structlog.get_logger("t").warning({EVIL!r}, campaign={EVIL!r}, error={EVIL!r})
"""


def printed(*what: object) -> str:
    console = Console()
    console.file = io.StringIO()
    for each in what:
        console.print(each)
    return console.file.getvalue()


def test_names_are_printed_as_text_in_every_form() -> None:
    table = Table("Campaign", "n")
    table.add_row(Text(EVIL), "1")
    text = printed(EVIL, Text(EVIL), table)
    assert text.count(HARMLESS) == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    rows = [line for line in text.splitlines() if "│" in line or "┃" in line]
    assert len({len(line) for line in rows}) == 1


def test_a_name_is_no_markup() -> None:
    assert printed("[bold]sale[/] [/b] :smile:") == "[bold]sale[/] [/b] :smile:\n"


def test_a_log_on_a_terminal_is_not_steered_by_what_it_tells() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", LOG], stderr=theirs, check=True, timeout=30)
    os.close(theirs)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    assert said.count("]0;title[31mred evil") == 3
    assert "\x1b]" not in said
    assert "\x07" not in said
    assert "\u202e" not in said
