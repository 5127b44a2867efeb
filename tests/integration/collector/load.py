"""Clients that send batches and retry, as SDKs do; which events they were told were taken."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

ITEMS = 20


def page(message_id: str) -> dict[str, Any]:
    """A page that somebody looks at, who is never seen again."""
    return {"type": "page", "anonymousId": message_id}


def visit_or_order(message_id: str) -> dict[str, Any]:
    """Of a batch, every other message is a visit of a campaign, and the one after it an order of who came."""
    begin, _, item = message_id.rpartition("-")
    who = f"{begin}-{int(item) // 2}"
    if int(item) % 2 == 0:
        came = {"campaign": {"id": "autumn", "source": "facebook", "medium": "social"}}
        return {"type": "page", "userId": who, "context": came}
    order = {"order_id": who, "revenue": 349, "currency": "NOK", "new_customer": True}
    return {"type": "track", "event": "Order Completed", "userId": who, "properties": order}


class Load:
    """Sends batches from some threads until the block ends; a batch is sent again until it is answered with 200.

    `make` is the message of an id, without its time; `pause` is in s between two batches of a client.
    """

    def __init__(
        self, port: int, key: str, clients: int = 4, make: Callable[[str], dict[str, Any]] | None = None,
        pause: float = 0.0,
    ) -> None:  # fmt: skip
        self._port, self._stopped = port, threading.Event()
        self._make, self._pause = make or page, pause
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
            "Content-Type": "application/json",
        }
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(clients)]
        self.taken: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.retry_after: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def goes_on(self, timeout: float = 60) -> None:
        """Wait until more is taken than has been until now."""
        before, deadline = len(self.taken), time.monotonic() + timeout
        while len(self.taken) < before + 100:
            assert time.monotonic() < deadline, f"nothing is taken any more: {self.statuses}"
            time.sleep(0.05)

    def answers(self, status: int, timeout: float = 60) -> None:
        """Wait until one more request is answered so."""
        before, deadline = self.statuses[status], time.monotonic() + timeout
        while self.statuses[status] == before:
            assert time.monotonic() < deadline, f"no answer is {status}: {self.statuses}"
            time.sleep(0.05)

    def _client(self, number: int) -> None:
        batch = 0
        while not self._stopped.is_set():
            ids = [f"{number}-{batch}-{item}" for item in range(ITEMS)]
            while not self._stopped.is_set():
                status = self._send(ids)
                self.statuses[status] += 1
                if status == 200:
                    self.taken.update(ids)
                    break
                assert status in (0, 503), status
                time.sleep(0.1)
            batch += 1
            self._stopped.wait(self._pause)

    def _send(self, ids: list[str]) -> int:
        """The status, 0 where there is no answer."""
        now = datetime.now(UTC).isoformat()
        items = [{"messageId": each, "timestamp": now, **self._make(each)} for each in ids]
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("POST", "/v1/batch", json.dumps({"batch": items, "sentAt": now}), self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
        if answer.status == 503:
            self.retry_after.append(answer.headers.get("Retry-After", ""))
        return answer.status
