"""The demo's shop on the web: a month of a real site's messages, posted to the collector as an SDK on a server does."""

import base64
import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from http import HTTPStatus

from streams.simulate import site
from streams.simulate.site.words import MORE

BATCH = 50  # messages of a request
AT_ONCE = 4  # requests: an answer waits for the broker
BUYERS = 0.05  # of the visitors
DIRT = 0.02  # of the messages: as careless programs write them
PATIENCE = 60.0  # s in which the collector must take a batch
LINK = "window"  # what the code on the shop's window says, behind /go/
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_RATES = '\n[rates]\nEUR = "11.60"\nSEK = "1.04"\n'
_LINK = '\n[[link]]\ncode = "{code}"\nto = "{to}"\ncampaign = "shop-window"\nnetwork = "shop"\n'


def catalogue_text(to: str) -> str:
    """What the site adds to the town's catalogue (TOML); the code on the window leads to that address."""
    return MORE + _LINK.format(code=LINK, to=to) + _RATES


class SitePlayer:
    """Plays about so many messages of a site to the collector on that port, in so many seconds.

    `sent` are the messages that it took, `refused` those that nobody can use.
    """

    def __init__(self, events: int, start: date, port: int, key: str) -> None:
        self._site = site.Site(events=events, start=start, dirt=DIRT, buyers=BUYERS)
        self._port = port
        basic = base64.b64encode(f"{key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        self._batches: list[list[bytes]] = []
        self._counting = threading.Lock()
        self.sent = self.refused = 0

    def prepare(self) -> None:
        """Make the month; it takes some seconds."""
        messages = [message for record in site.month(self._site).records for message in _messages(record.value)]
        self._batches = [messages[at : at + BATCH] for at in range(0, len(messages), BATCH)]

    def play(self, seconds: float, stop: threading.Event, room: Callable[[], bool]) -> None:
        """Post all of it, while there is room for more, or until it is to stop."""
        begun, share = time.monotonic(), seconds / max(1, len(self._batches))

        def post(number: int, batch: Sequence[bytes]) -> None:
            while not room() and not stop.wait(0.05):
                pass
            if not stop.wait(max(0.0, begun + number * share - time.monotonic())):
                self._post(batch)

        with ThreadPoolExecutor(AT_ONCE) as clients:
            for _ in clients.map(post, itertools.count(), self._batches):
                pass

    def _post(self, batch: Sequence[bytes]) -> None:
        """Have a batch taken; where its body as a whole is refused, its messages come alone."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self._answer(b'{"batch":[%b]}' % b",".join(batch)))[0] in _BUSY:
            if time.monotonic() > deadline:
                raise OSError(f"the collector takes nothing: {answer[1]}")
            time.sleep(0.2)
        status, said = answer
        if status == HTTPStatus.OK:
            self._count(len(batch), len(said.get("rejected", ())))
        elif status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            raise OSError(f"the collector answers {status}: {said}")
        elif len(batch) > 1:
            for message in batch:
                self._post([message])
        else:
            self._count(1, 1)

    def _count(self, messages: int, refused: int) -> None:
        with self._counting:
            self.sent, self.refused = self.sent + messages - refused, self.refused + refused

    def _answer(self, body: bytes) -> tuple[int, dict[str, list[object]]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", "/v1/batch", body, self._headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


def _messages(value: bytes) -> Iterator[bytes]:
    """The messages of a record. A batch's own `sentAt` is left out: by it, and now, clocks would be corrected."""
    if value.startswith(b'{"batch":['):
        for message in json.loads(value)["batch"]:
            yield json.dumps(message).encode()
    else:
        yield value
