"""A TCP proxy whose faults are switched by hand: put it before ClickHouse to see what its clients make of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Self

Mode = Literal["pass", "refuse", "hang", "cut", "500"]
MODES: tuple[Mode, ...] = ("refuse", "hang", "cut", "500")  # that fail
_CHUNK = 1 << 16
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbroken"


class Proxy:
    """Listens on 127.0.0.1:`port` and passes on to 127.0.0.1:`upstream`. A context manager.

    The modes: `pass`; `refuse` connections; `hang`: accept, read, never answer and pass nothing on; `cut`: pass the
    whole request on and cut the connection when the answer begins, so that it was carried out and nobody knows;
    `500`: answer so, and pass nothing on. A change of mode cuts the connections that are open.
    """

    def __init__(self, upstream: int, port: int) -> None:
        self.port = port
        self.mode: Mode = "pass"
        self.faults = 0
        self._upstream = upstream
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, mode: Mode) -> None:
        """Change the mode; in force when this returns."""
        self._do(self._set(mode))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _close(self) -> None:
        await self._shut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _shut(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
            self._cut()
            await self._server.wait_closed()
            self._server = None

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _set(self, mode: Mode) -> None:
        self.mode = mode
        if mode == "refuse":
            await self._shut()
        elif self._server is None:
            await self._listen()
        self._cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.faults += self.mode != "pass"
        try:
            with suppress(OSError, asyncio.CancelledError):  # asyncio logs a handler that was cancelled
                await self._handle(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode in ("pass", "cut"):
            await self._pass(reader, writer)
        elif self.mode == "500" and await reader.read(_CHUNK):
            writer.write(_FAILED)
            await _drain(reader)
        else:
            await _drain(reader)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._open.add(requests)
        up = asyncio.create_task(_copy(reader, requests))
        try:
            if self.mode == "cut":
                await answers.read(1)
            else:
                await _copy(answers, writer)
        finally:
            self._open.discard(requests)
            up.cancel()
            requests.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass
