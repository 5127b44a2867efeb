"""ClickHouse's HTTP interface as requests and responses: what is asked, how it is answered, how it is refused."""

from __future__ import annotations

import asyncio
import binascii
import json
import re
import uuid
import zlib
from base64 import b64decode
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from typing import Any

import cramjam
import pyarrow as pa
from aiohttp import web

from streams.embedded.engine import Answer, EngineError, Statement, bad_arguments, not_implemented, too_large, too_slow
from streams.embedded.held_bytes import Take

_CODECS: dict[str, Any] = {
    "lz4": cramjam.lz4,
    "zstd": cramjam.zstd,
    "br": cramjam.brotli,
    "gzip": cramjam.gzip,
    "deflate": cramjam.zlib,
}
_ARROW_NAMES = {"br": "brotli"}
LARGEST_BODY = 2**30
LARGEST_UNPACKED = 2**28
_LARGEST_FORM = 2**24
_PART = 2**20
_BODY_SECONDS = 300.0  # in which a body has to come: the others wait for what it holds
_CONTENT_TYPES = (
    ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSON", "application/json; charset=UTF-8"),
    ("CSV", "text/csv; charset=UTF-8"),
    ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
    ("TSV", "text/tab-separated-values; charset=UTF-8"),
    ("XML", "application/xml; charset=UTF-8"),
    ("Pretty", "text/plain; charset=UTF-8"),
    ("Vertical", "text/plain; charset=UTF-8"),
    ("Values", "text/plain; charset=UTF-8"),
)
# Parts of the protocol, not settings of the engine.
_TRANSPORT = frozenset(
    {
        "query",
        "query_id",
        "database",
        "default_format",
        "user",
        "password",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "quota_key",
        "role",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "stacktrace",
        "enable_http_compression",
        "http_zlib_compression_level",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "add_http_cors_header",
        "cancel_http_readonly_queries_on_client_close",
    }
)
_STATUS_BY_CODE = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 53, 62, 72, 117, 456, 457), 400),
    **dict.fromkeys((164, 192, 193, 194, 452, 497, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, 115), 404),
    48: 501,
    202: 503,
    307: 413,
    159: 408,
}


async def statement(request: web.Request, take: Take) -> Statement:
    """What a request asks: `?query=`, a form field or the body, in this order, one after the other. It tells `take` how
    many bytes it holds, before it holds them.

    A GET may only read. Raises EngineError when the body cannot be decompressed or has parts that are not supported.
    """
    given = dict(request.query)
    body = b""
    if request.content_type == "multipart/form-data":
        take(_LARGEST_FORM)
        given.update(await _fields(request.clone(client_max_size=_LARGEST_FORM)))
    else:
        encoding = request.headers.get("Content-Encoding", "")
        body = await asyncio.to_thread(_decompressed, await _read(request, take), encoding, take)
    if given.pop("compress", "0") not in ("", "0") or given.pop("decompress", "0") not in ("", "0"):
        raise not_implemented("compress and decompress; use Accept-Encoding and Content-Encoding")
    return Statement(
        text=b"\n".join(part for part in (given.get("query", "").encode(), body) if part),
        database=given.get("database") or request.headers.get("X-ClickHouse-Database") or "",
        default_format=given.get("default_format") or request.headers.get("X-ClickHouse-Format") or "TabSeparated",
        settings=_settings(given),
        parameters={name[6:]: value for name, value in given.items() if name.startswith("param_")},
        read_only=request.method in ("GET", "HEAD"),
        tag=uuid.uuid4().hex,
        protocol_version=_whole_number(given, "client_protocol_version"),
    )


def credentials(request: web.Request) -> tuple[str, str]:
    """User and password: basic authentication, ClickHouse's headers, or the query string."""
    basic = re.fullmatch(r"Basic +(\S+)", request.headers.get("Authorization", ""), re.IGNORECASE)
    if basic:
        try:
            user, _, password = b64decode(basic[1], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password
    user = request.headers.get("X-ClickHouse-User") or request.query.get("user", "default")
    return user, request.headers.get("X-ClickHouse-Key") or request.query.get("password", "")


def answered(request: web.Request, answer: Answer, seconds: float) -> web.Response:
    """The result, compressed as the client likes it."""
    headers = {"X-ClickHouse-Summary": _summary(answer, seconds), **_identity(request)}
    if answer.format:
        headers["X-ClickHouse-Format"] = answer.format
        headers["Content-Type"] = _content_type(answer.format)
    encoding = _accepted(request)
    if not (encoding and answer.body):
        return web.Response(body=answer.body, headers=headers)
    return web.Response(
        body=bytes(_CODECS[encoding].compress(answer.body)), headers={**headers, "Content-Encoding": encoding}
    )


def refused(request: web.Request, error: EngineError) -> web.Response:
    """The error as ClickHouse reports it: its text as the body, its code in a header, a status that fits."""
    status = _STATUS_BY_CODE.get(error.code, 500)
    headers = {"X-ClickHouse-Exception-Code": str(error.code), **_identity(request)}
    return web.Response(status=status, text=f"{error}\n", headers=headers)


async def _read(request: web.Request, take: Take) -> bytes:
    """The body as it comes."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise too_large(f"the body is more than {LARGEST_BODY} bytes; send it in parts")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.content.iter_any():
                take(len(part))
                body += part
                if len(body) > LARGEST_BODY:
                    raise too_large(f"the body is more than {LARGEST_BODY} bytes; send it in parts")
    except TimeoutError:
        raise too_slow(f"the body did not come within {_BODY_SECONDS:g} s") from None
    return bytes(body)


async def _fields(request: web.Request) -> dict[str, str]:
    """The fields of a form. Raises EngineError where it cannot be read: not whole, not UTF-8, or no form at all."""
    try:
        posted = await request.post()
    except (ValueError, LookupError, RuntimeError, AssertionError) as error:
        raise bad_arguments(f"the form cannot be read: {error}") from error
    fields: dict[str, str] = {}
    for name, value in posted.items():
        if not isinstance(value, str):
            raise not_implemented(f"the external table {name!r}")
        fields[name] = value
    return fields


def _decompressed(body: bytes, encoding: str, take: Take) -> bytes:
    """No more is unpacked than may come."""
    if not body or encoding in ("", "identity"):
        return body
    if encoding not in _CODECS:
        raise not_implemented(f"Content-Encoding {encoding!r}; use one of {', '.join(_CODECS)}")
    try:
        content = b"".join(_unpacked(body, encoding, take))
    except (OSError, ValueError, zlib.error) as error:
        raise bad_arguments(f"the body is not {encoding}: {error}") from error
    if len(content) > LARGEST_UNPACKED:
        raise too_large(f"the body is more than {LARGEST_UNPACKED} bytes unpacked; send it in parts")
    return content


def _unpacked(body: bytes, encoding: str, take: Take) -> Iterator[bytes]:
    """What is packed in it, in parts, a little more than may be at the most."""
    size, parts = 0, _inflated(body) if encoding == "deflate" else _streamed(body, encoding)
    with closing(parts):
        for part in parts:
            take(len(part))
            yield part
            size += len(part)
            if size > LARGEST_UNPACKED:
                return


def _streamed(body: bytes, encoding: str) -> Generator[bytes, None, None]:
    with pa.CompressedInputStream(pa.BufferReader(body), _ARROW_NAMES.get(encoding, encoding)) as stream:
        while part := stream.read(_PART):
            yield part


def _inflated(body: bytes) -> Generator[bytes, None, None]:
    unpacking = zlib.decompressobj()
    for start in range(0, len(body), _PART):
        rest = body[start : start + _PART]
        while part := unpacking.decompress(rest, _PART):
            yield part
            rest = unpacking.unconsumed_tail
    if not unpacking.eof:
        raise ValueError("it ends too soon")


def _whole_number(given: Mapping[str, str], name: str) -> int:
    text = given.get(name) or "0"
    if not re.fullmatch("[0-9]{1,9}", text):
        raise bad_arguments(f"{name} is not a number: {text!r}")
    return int(text)


def _settings(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name not in _TRANSPORT and not name.startswith("param_")}


def _accepted(request: web.Request) -> str:
    if request.query.get("enable_http_compression", "1") in ("0", "false"):
        return ""
    offered = (part.partition(";")[0].strip() for part in request.headers.get("Accept-Encoding", "").split(","))
    return next((name for name in offered if name in _CODECS), "")


def _content_type(name: str) -> str:
    return next((kind for prefix, kind in _CONTENT_TYPES if name.startswith(prefix)), "application/octet-stream")


def _identity(request: web.Request) -> dict[str, str]:
    return {
        "X-ClickHouse-Query-Id": request.query.get("query_id") or str(uuid.uuid4()),
        "X-ClickHouse-Server-Display-Name": "maalstrom",
        "X-ClickHouse-Timezone": "UTC",
    }


def _summary(answer: Answer, seconds: float) -> str:
    figures = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "elapsed_ns": int(seconds * 1_000_000_000),
    }
    return json.dumps({name: str(figure) for name, figure in figures.items()})
