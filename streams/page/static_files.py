"""The page's own files: HTML, CSS and scripts, kept in memory, compressed once, and never from another site."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
# Nothing but our own files, no inline script or style, and no other site may show the page in a frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FOLDER = resources.files("streams.page") / "static"


def text_of(name: str) -> str:
    """What that file says."""
    return (_FOLDER / name).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class _File:
    kind: str
    body: bytes
    compressed: bytes
    tag: str


class StaticFiles:
    """Answers for files by their path below `static/`."""

    def __init__(self) -> None:
        self._files = {name: _file(name, file.read_bytes()) for name, file in _below(_FOLDER)}

    def answer(self, request: web.Request, name: str) -> web.Response:
        """The file, or 304 where the browser has it. Raises HTTPNotFound."""
        file = self._files.get(name)
        if file is None:
            raise web.HTTPNotFound(text=f"there is no {name}\n")
        headers = {**HEADERS, "ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == file.tag:
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = file.kind
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=file.compressed, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=file.body, headers=headers)


def _below(folder: Traversable, before: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{before}{entry.name}/")
        else:
            yield before + entry.name, entry


def _file(name: str, body: bytes) -> _File:
    kind = _KINDS[name.rpartition(".")[2]]
    return _File(kind, body, gzip.compress(body, 9, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:32]}"')
