"""The contract's decoder, naively: one event from one record, independent of `streams`."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from streams.core.catalogue import Catalogue

REVERSALS = ("Order Refunded", "Order Cancelled")
CLASS = {
    **dict.fromkeys(("click", "visit", "scan"), "click"),
    **dict.fromkeys(("like", "comment", "share", "save", "follow", "reply", "video_view"), "engage"),
    **dict.fromkeys(("view", "impression"), "view"),
    **dict.fromkeys(("unlike", "unfollow", "unsave", "unshare"), ""),
}


class DeadLetter(Exception):  # noqa: N818 - the contract's word
    """The text is the contract's reason."""


class Number(str):
    """A JSON number as it is written: money must never pass through a float."""


@dataclass
class Event:
    """A valid event; '' and None stand for what it does not say. `time` is in ms, `amount` in millionths.

    `campaign` has gone through the catalogue; the `network` of a checkout event is the source of its own campaign.
    `link` is the anonymous token and the user id that it links, of one person.
    """

    name: str
    message_id: str
    time: int
    token: str
    denied: bool = False
    network: str = ""
    link: tuple[str, str] | None = None
    campaign: str = ""
    action: str = ""
    order_id: str = ""
    amount: int | None = None
    currency: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    erased: bool = False

    def forget(self, token: str) -> None:
        """Nothing in it is that token's any more, but that it happened."""
        if token in (self.link or ()):
            self.link = None
        if self.token == token and not self.denied:
            self.token, self.campaign, self.erased = "", self.campaign if self.action else "", True


def decode(catalogue: Catalogue, topic: str, raw: bytes | None) -> Event | None:
    """The event in `raw`, or None where no goal uses its name; raises DeadLetter with the reason."""
    if raw is None or len(raw) > 64 * 1024:
        raise DeadLetter("malformed" if raw is None else "oversized")
    try:
        message = json.loads(raw.decode(), parse_float=Number, parse_int=Number, parse_constant=_malformed)
        json.dumps(message, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise DeadLetter("malformed") from None
    if topic == "identity":
        return _identity(message)
    event = _envelope(message)
    if topic == "engagement":
        return _engagement(catalogue, event, message) if event.name == "Social Interaction" else None
    counted = event.name in catalogue.events or event.name in REVERSALS
    return _checkout(catalogue, event, message) if counted else None


def _envelope(message: Any) -> Event:
    _require(isinstance(message, dict) and message.get("type") == "track")
    name, message_id = message.get("event"), message.get("messageId")
    _require(type(name) is str and type(message_id) is str and 1 <= len(message_id) <= 256)
    preferences = _object(_object(_object(message, "context"), "consent"), "categoryPreferences")
    advertising = preferences.get("advertising")
    _require(advertising in (True, False, None))
    user, browser = _text(message, "userId"), _text(message, "anonymousId")
    source = _text(_object(_object(message, "context"), "campaign"), "source").lower()
    facts = user or browser, advertising is False, source, _link(browser, user)
    return Event(name, message_id, _time(message.get("timestamp")), *facts)


def _identity(message: Any) -> Event:
    _require(isinstance(message, dict) and message.get("type") in ("identify", "alias"))
    message_id, user = message.get("messageId"), message.get("userId")
    _require(type(message_id) is str and 1 <= len(message_id) <= 256)
    before = message.get("anonymousId" if message["type"] == "identify" else "previousId")
    _require(type(user) is type(before) is str and bool(user) and bool(before))
    return Event(message["type"], message_id, _time(message.get("timestamp")), before, link=_link(before, user))


def _link(anonymous: str, user: str) -> tuple[str, str] | None:
    """A token that is both at once is linked to nobody else."""
    return (anonymous, user) if anonymous and user and anonymous != user else None


def _engagement(catalogue: Catalogue, event: Event, message: dict[str, Any]) -> Event:
    event.properties = _object(message, "properties")
    event.action, event.network = _text(event.properties, "action"), _text(event.properties, "network").lower()
    _require(event.action in CLASS and 1 <= len(event.network) <= 64)
    event.campaign = _campaign(catalogue, message)
    return event


def _checkout(catalogue: Catalogue, event: Event, message: dict[str, Any]) -> Event:
    properties = event.properties = _object(message, "properties")
    event.order_id = _text(properties, "order_id") or event.message_id
    given = [properties[name] for name in ("revenue", "total", "value") if properties.get(name) is not None]
    event.amount = _money(given[0]) if given else None
    event.currency = (_text(properties, "currency") or catalogue.base_currency).upper()
    _require(re.fullmatch("[A-Z]{3}", event.currency) is not None)
    _require(properties.get("new_customer") in (None, True, False))
    event.campaign = _campaign(catalogue, message)
    return event


def _campaign(catalogue: Catalogue, message: dict[str, Any]) -> str:
    given = _object(_object(message, "context"), "campaign")
    coupon = _text(_object(message, "properties"), "coupon")
    return catalogue.resolve(_text(given, "id"), _text(given, "name"), coupon)


def _money(value: Any) -> int:
    """Millionths, half-even, of a JSON number or a string that looks like one."""
    _require(isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", value) is not None)
    amount = Decimal(value)
    _require(0 <= amount < 10**12)
    micro = int(amount.quantize(Decimal("0.000001"), ROUND_HALF_EVEN).scaleb(6))
    _require(micro < 10**18)
    return micro


def _time(text: Any) -> int:
    form = r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))"
    match = re.fullmatch(form, text, re.ASCII) if type(text) is str else None
    if match is None:
        raise DeadLetter("malformed")
    try:
        local = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except ValueError:
        raise DeadLetter("malformed") from None
    east = timedelta(hours=int(match[5] or 0), minutes=int(match[6] or 0)) // timedelta(milliseconds=1)
    whole = (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    time = whole + int(f"{match[3] or ''}000"[:3]) - (-east if match[4] == "-" else east)
    _require(0 <= time < 2**32 * 1000)
    return time


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    _require(value is None or isinstance(value, dict))
    return value or {}


def _text(parent: dict[str, Any], name: str) -> str:
    value = parent.get(name)
    _require(value is None or type(value) is str)
    return value or ""


def _require(condition: bool) -> None:
    if not condition:
        raise DeadLetter("malformed")


def _malformed(_: str) -> None:
    raise DeadLetter("malformed")
