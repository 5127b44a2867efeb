"""What is answered, in JSON, and what is refused."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus

from aiohttp import web

_SUCCESS = b'{"success": true}'


@dataclass(frozen=True, slots=True)
class ItemFault:
    """What is wrong with the item of a batch at that place; `field` is '' where it is the item itself."""

    index: int
    field: str
    error: str


class RefusedError(Exception):
    """A request that is answered with an error; the text is for who sent it, and says what to do."""

    def __init__(self, status: int, error: str, retry: int = 0, faults: Sequence[ItemFault] = ()) -> None:
        super().__init__(error)
        self.status, self.retry, self.faults = status, retry, faults

    def answer(self) -> web.Response:
        """The answer: after so many seconds it may come again, where it may."""
        headers = {"Retry-After": str(self.retry)} if self.retry else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="maalstrom"'
        # The SDKs in Python read `code` and `message`: one of them tries for minutes where they are missing.
        why = {"error": str(self), "code": HTTPStatus(self.status).name.lower(), "message": str(self)}
        return _json({"success": False, **why, **_listed(self.faults)}, self.status, headers)


def success(faults: Sequence[ItemFault] = ()) -> web.Response:
    """Everything but the faults was taken."""
    if not faults:
        return web.Response(body=_SUCCESS, content_type="application/json")
    return _json({"success": True, **_listed(faults)}, 200, {})


def _listed(faults: Sequence[ItemFault]) -> dict[str, object]:
    return {"rejected": [asdict(fault) for fault in faults]} if faults else {}


def _json(content: object, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(text=json.dumps(content), status=status, headers=headers, content_type="application/json")
