"""The connections of an HTTP client, which another thread can break off: a query without a client is ended."""

from __future__ import annotations

import socket
from contextlib import suppress
from weakref import WeakSet

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Connections:
    """Connections that a pool manager opens from now on."""

    def __init__(self, manager: PoolManager) -> None:
        self._live: WeakSet[HTTPConnection] = WeakSet()
        self._broken = False
        manager.clear()
        manager.pool_classes_by_scheme = {"http": self._plain(), "https": self._secure()}

    def break_off(self) -> None:
        """Have what is being asked fail; until `mend` there is no new connection, so that nobody asks it again."""
        self._broken = True
        for connection in list(self._live):
            with suppress(OSError, AttributeError):  # it has ended by itself
                connection.sock.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let there be connections again."""
        self._broken = False

    def opened(self, connection: HTTPConnection) -> None:
        """One was opened. Raises OSError where it is not to be."""
        self._live.add(connection)
        if self._broken:
            raise OSError("broken off")

    def _plain(self) -> type[HTTPConnectionPool]:
        opened = self.opened

        class Connection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                opened(self)

        return type("Pool", (HTTPConnectionPool,), {"ConnectionCls": Connection})

    def _secure(self) -> type[HTTPConnectionPool]:
        opened = self.opened

        class Connection(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                opened(self)

        return type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": Connection})
