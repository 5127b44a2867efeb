"""The rules of the job for the Python peers: decode, classes, aliases, linear credit. No framework here."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

DAY = 86_400_000
WINDOWS = (7 * DAY, DAY, DAY)  # click, engage, view
KEEP = 45 * DAY  # an order may be read that much after its touches, as with maalstrom
CLASSES: dict[str | None, int] = {
    **dict.fromkeys(("click", "visit", "scan"), 0),
    **dict.fromkeys(("like", "comment", "share", "save", "follow", "reply", "video_view"), 1),
    **dict.fromkeys(("view", "impression"), 2),
}
_CAMPAIGNS = (
    ("autumn", "Autumn on Facebook", "autumn-2026", "høst"),
    ("makers", "Meet the makers", "makers-tiktok"),
    ("friday-paper", "Coupon in the Friday paper"),
    ("shop-window", "The shop window"),
    ("search", "Search advertising", "adwords"),
    ("newsletter", "October newsletter", "news-10"),
    ("ask-online", "Ask the town on the web"),
)
ALIASES = {name.lower(): names[0] for names in _CAMPAIGNS for name in names}
COUPONS = {"FREDAG20": "friday-paper", "VINDU10": "shop-window", "BREV15": "newsletter"}
WHOLE = 1_000_000
Item = Sequence[Any]  # a tuple, or a list where a store has kept it as JSON
State = dict[str, list[Item]]


class Campaign(msgspec.Struct, gc=False):
    id: str | None = None
    name: str | None = None


class Categories(msgspec.Struct, gc=False):
    advertising: bool | None = None


class Consent(msgspec.Struct, gc=False):
    categoryPreferences: Categories | None = None


class Context(msgspec.Struct, gc=False):
    campaign: Campaign | None = None
    consent: Consent | None = None


class Properties(msgspec.Struct, gc=False):
    action: str | None = None
    network: str = ""
    coupon: str | None = None


class Event(msgspec.Struct, gc=False):
    event: str
    messageId: str
    timestamp: datetime
    properties: Properties
    userId: str | None = None
    anonymousId: str | None = None
    context: Context | None = None


decode = msgspec.json.Decoder(Event).decode


def campaign_of(event: Event) -> str:
    context = event.context
    if context is not None and context.campaign is not None:
        name = context.campaign.id or context.campaign.name
        if name:
            name = name.lower()
            return ALIASES.get(name, name)
    return COUPONS.get(event.properties.coupon, "") if event.properties.coupon else ""


def denied(event: Event) -> bool:
    context = event.context
    if context is None or context.consent is None or context.consent.categoryPreferences is None:
        return False
    return context.consent.categoryPreferences.advertising is False


def item_of(value: bytes) -> tuple[str, tuple[Any, ...]] | None:
    """The user and ("t", at, id, class, campaign, network) or ("o", at, id, campaign, denied); None: counts for nothing."""
    event = decode(value)
    user = event.userId or event.anonymousId
    at = int(event.timestamp.timestamp() * 1000)
    if event.event == "Social Interaction":
        kind = CLASSES.get(event.properties.action)
        if kind is None or not user or denied(event):
            return None
        network = event.properties.network
        return user, ("t", at, event.messageId, kind, campaign_of(event) or f"({network})", network)
    if event.event == "Order Completed":
        return user or event.messageId, ("o", at, event.messageId, campaign_of(event), denied(event))
    return None


def credits(touches: Sequence[Item], order: Item, into: dict[str, int], sign: int = 1) -> None:
    """Add (or, with sign -1, take away) the millionths of one order by minute|campaign; it is (at, id, campaign, denied)."""
    at, _, own, no = order
    found = []
    if not no:
        found = [t[3] for t in touches if 0 <= at - t[0] <= WINDOWS[t[2]]]
        if own and own not in found:
            found.append(own)
    found = found or [""]
    share, left = divmod(WHOLE, len(found))
    minute = at // 60_000 * 60
    for i, campaign in enumerate(found):
        key = f"{minute}|{campaign}"
        into[key] = into.get(key, 0) + sign * (share + (i < left))


def step(state: State | None, item: Item) -> tuple[State, list[tuple[str, int]], bool]:
    """One touch or order of a user: the state, the changes of credit, and whether the state changed. A touch that comes
    after an order it belongs to restates the order, so that the order in which two topics are read does not matter."""
    if state is None:
        state = {"t": [], "o": []}
    touches, orders = state["t"], state["o"]
    if item[0] == "t":
        _, at, ident, kind, campaign, network = item
        for t in touches:
            if t[1] == ident:
                return state, [], False
        concerned = [o for o in orders if 0 <= o[0] - at <= WINDOWS[kind]] if orders else ()
        changes: dict[str, int] = {}
        for o in concerned:
            credits(touches, o, changes, -1)
        if touches and touches[0][0] < at - KEEP:
            touches[:] = [t for t in touches if t[0] >= at - KEEP]
        touches.append((at, ident, kind, campaign, network))
        for o in concerned:
            credits(touches, o, changes)
        return state, [change for change in changes.items() if change[1]], True
    order = item[1:]
    for o in orders:
        if o[1] == order[1]:
            return state, [], False
    orders.append(order)
    changes = {}
    credits(touches, order, changes)
    return state, list(changes.items()), True


class Progress:
    """Says when the first and the last of EVENTS were processed; the harness reads it."""

    def __init__(self) -> None:
        self.seen = 0
        self.all = int(os.environ.get("EVENTS", "0"))

    def one(self) -> None:
        self.seen += 1
        if self.seen == 1:
            self.say("FIRST")
        if self.seen == self.all:
            self.say("DONE")

    def more(self, n: int) -> None:
        if self.seen == 0:
            self.say("FIRST")
        before, self.seen = self.seen, self.seen + n
        if before < self.all <= self.seen:
            self.say("DONE")

    @staticmethod
    def say(what: str) -> None:
        out = sys.__stdout__ or sys.stdout  # Faust puts its log in the place of sys.stdout
        out.write(f"{what} {time.time():.3f}\n")
        out.flush()
