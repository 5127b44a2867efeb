"""What keeps statements inside the folder: the engine's own grants, and a look at what no grant covers.

Grants refuse table functions, table engines and databases of files, addresses and other servers, dictionaries and
backups. The scalar function `file`, disks of a table's own and a client's files (`INTO OUTFILE`, `FROM INFILE`) ask for
none in an embedded engine: they are looked for in the statement as the engine writes it, without comments or escapes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_GRANTS = Path(__file__).with_name("grants.xml")
_BACKUPS = _GRANTS.with_name("backups.xml")
_SUSPECT = re.compile(rb"file|disk|executable|rocksdb|python|\\", re.IGNORECASE)
_LITERAL = re.compile(rb"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_IDENTIFIER = re.compile(rb"`((?:[^`\\]|\\.)*)`", re.DOTALL)
_OUTSIDE = re.compile(
    rb"\b(INTO OUTFILE|FROM INFILE|(?:file|disk|executable|executablepool|python|embeddedrocksdb|filelog)(?=\()"
    rb"|APPLY \(?file\b|ENGINE = (?:Executable|ExecutablePool|EmbeddedRocksDB|FileLog|Python)\b)",
    re.IGNORECASE,
)
_VALUES = re.compile(rb"\bFORMAT Values\s*$", re.IGNORECASE)


def address(folder: str) -> str:
    """What to connect to so that `folder` is opened with the grants."""
    return f"{folder}?config-file={_GRANTS}&users_config={_GRANTS}"


def unconfined(folder: str) -> str:
    """What to connect to so that `folder` is opened without grants; backups may lie in its folder `backups`."""
    return f"{folder}?config-file={_BACKUPS}"


def confine(handle: Any) -> None:
    """Let the database `default` hold tables alone: the engine's is one of the files of this machine too."""
    found = handle.query("SELECT uuid FROM system.databases WHERE name = 'default' AND engine = 'Overlay'", "TSV")
    if name := found.bytes().decode().strip():
        handle.query("DETACH DATABASE default", "Null")
        handle.query(f"ATTACH DATABASE default UUID '{name}' ENGINE = Atomic", "Null")


def reaches_outside(handle: Any, text: bytes, values: bytes = b"") -> str:
    """What in a statement (its data in format Values apart) no grant refuses; '' when there is nothing.

    Raises the engine's error when it cannot read the text.
    """
    if not (_SUSPECT.search(text) or _SUSPECT.search(values)):
        return ""
    written = _as_written(handle, text)
    if _VALUES.search(written) and not values:
        return "values whose place is not plain"
    if values.strip(b" \t\r\n;"):
        written += b" " + _as_written(handle, b"SELECT " + values.strip(b" \t\r\n;,"))
    found = _OUTSIDE.search(written)
    return found[0].decode() if found else ""


def _as_written(handle: Any, text: bytes) -> bytes:
    quoted = text.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    written = handle.query(b"SELECT formatQuerySingleLine('" + quoted + b"') SETTINGS max_query_size = 0", "RawBLOB")
    return _IDENTIFIER.sub(_bare, _LITERAL.sub(b"''", written.bytes()))


def _bare(identifier: re.Match[bytes]) -> bytes:
    return identifier[1] if re.fullmatch(rb"\w+", identifier[1]) else b"_"
