"""Connections that have just closed: aiokafka is told of them as it expects, on uvloop too.

asyncio's transports drop what is written to them then, and the end of the connection is told a moment later. uvloop's
raise a RuntimeError, which aiokafka lets pass. The task that asks for metadata ended with it, and a worker whose broker
was restarted at that moment never found the coordinator of its group again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError


def _telling(write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def written(connection: AIOKafkaConnection, *args: Any, **kwargs: Any) -> Any:
        try:
            return write(connection, *args, **kwargs)
        except RuntimeError as error:
            if not connection._writer.transport.is_closing():
                raise
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"connection to {connection.host}:{connection.port} has closed") from error

    return written


_WRITES = {name: _telling(getattr(AIOKafkaConnection, name)) for name in ("send", "_send_sasl_token")}


def tell_of_closed() -> None:
    """Have every connection of aiokafka raise KafkaConnectionError where it has closed; may be called again."""
    for name, write in _WRITES.items():
        setattr(AIOKafkaConnection, name, write)
