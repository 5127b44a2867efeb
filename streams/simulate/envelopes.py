"""Segment envelopes for a plan: bytes put together from templates, because a million of them must take seconds."""

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.simulate.campaigns import DESK, EFFORTS, SHOP, SimulatedCampaign
from streams.simulate.people import Ints
from streams.simulate.plan import CANCELLED, COMPLETED, KINDS, PARTIAL, Placement, Plan

_BATCH = 1 << 16
_LIBRARY = '"library":{"name":"analytics.js","version":"4.2.1"}'
_CONSENT = [
    "",
    ',"consent":{"categoryPreferences":{"advertising":true}}',
    ',"consent":{"categoryPreferences":{"advertising":false}}',
]
_NEW = {1: ',"new_customer":true', 0: ',"new_customer":false', -1: ""}
_HEXADECIMAL = np.frombuffer(b"0123456789abcdef", np.uint8)
_DIGITS_OF_UUID = np.array([i for i in range(36) if i not in (8, 13, 18, 23)])


class Simulated(NamedTuple):
    """One record: the topic, its key (the user token, else the message id) and the event, JSON in UTF-8."""

    topic: str
    key: str
    value: bytes


def records(plan: Plan) -> Iterator[Simulated]:
    """Every record of the plan in the order of arrival."""
    people = _People(plan)
    checkout = list(_checkout(plan, people))
    engaged = len(plan.touches.time)
    arrival = plan.arrival()
    for begin in range(0, len(arrival), _BATCH):
        batch = arrival[begin : begin + _BATCH]
        engagement = _engagement(plan, people, batch[batch < engaged])
        for position in batch.tolist():
            yield next(engagement) if position < engaged else checkout[position - engaged]


def order_id(plan: Plan, order: int) -> str:
    """The conversion id of an order or an enquiry."""
    return f"{'case' if plan.orders.desk[order] else 'order'}-{order:07d}"


class _People:
    """By place in `People.names`: the routing key and the JSON of the ids; by person, which consent (an index of
    _CONSENT) the browser sends."""

    def __init__(self, plan: Plan) -> None:
        self.keys = plan.people.names()
        n = len(self.keys) // 2
        ids = [f'"{key}"' if place < n else "null" for place, key in enumerate(self.keys)]
        browsers = self.keys[n:] * 2
        self.ids = [f'"userId":{i},"anonymousId":"{browser}"' for i, browser in zip(ids, browsers, strict=True)]
        self.consent: Ints = np.where(plan.people.denied, 2, np.arange(n) % 3 > 0)


def _engagement(plan: Plan, people: _People, positions: Ints) -> Iterator[Simulated]:
    touches = plan.touches
    users = touches.user[positions]
    tails = [_touch_tail(kind, consent) for kind in KINDS for consent in _CONSENT]
    tail = touches.kind[positions] * len(_CONSENT) + people.consent[users]
    tokens = plan.people.tokens(users, touches.time[positions])
    columns = _uuids(plan.uuid[positions]), _times(touches.time[positions]), tokens.tolist(), tail.tolist()
    for uuid, time, token, n, nameless in zip(*columns, touches.nameless[positions].tolist(), strict=True):
        ids = '"userId":null' if nameless else people.ids[token]
        value = (
            f'{{"type":"track","event":"Social Interaction","messageId":"{uuid}","timestamp":"{time}Z",{ids},{tails[n]}'
        )
        yield Simulated("engagement", uuid if nameless else people.keys[token], value.encode())


def _touch_tail(kind: Placement, consent: str) -> str:
    campaign = _campaign(kind.effort, kind.network, kind.variant)
    return (
        f'"context":{{{_LIBRARY}{campaign}{consent}}},"properties":{{"action":"{kind.action}",'
        f'"network":"{kind.network}","target":"{kind.effort.id or "everyday"}-post-{kind.variant}"}}}}'
    )


def _campaign(effort: SimulatedCampaign, network: str, variant: int) -> str:
    """The campaign as sites really spell it: by id, shouted, by name alone, by an alias; '' for everyday posts."""
    if not effort.id:
        return ""
    alias = (*effort.aliases, effort.id)[0]
    ids = ({"id": effort.id}, {"id": effort.id.upper()}, {"name": effort.name}, {"id": alias, "name": effort.name})
    utm = {"source": network, "medium": effort.means, "content": f"creative-{variant}"}
    return f',"campaign":{json.dumps(ids[variant] | utm, ensure_ascii=False, separators=(",", ":"))}'


def _checkout(plan: Plan, people: _People) -> Iterator[Simulated]:
    """The checkout events in the order of their positions."""
    rows, orders = plan.checkout, plan.orders
    tokens = plan.people.tokens(orders.user[rows.order], rows.time)
    columns = rows.order.tolist(), tokens.tolist(), _times(rows.time), rows.kind.tolist(), rows.amount.tolist()
    uuids = _uuids(plan.uuid[len(plan.touches.time) :])
    for uuid, order, token, time, kind, amount in zip(uuids, *columns, strict=True):
        user = orders.user[order]
        nameless = orders.nameless[order]
        event, campaign, properties = _bought(plan, order, amount) if kind == COMPLETED else _taken_back(kind, amount)
        value = (
            f'{{"type":"track","event":"{event}","messageId":"{uuid}","timestamp":"{time}Z",'
            f'{"" if nameless else people.ids[token] + ","}"context":{{{_LIBRARY}{campaign}'
            f'{_CONSENT[people.consent[user]]}}},"properties":{{"order_id":"{order_id(plan, order)}"{properties}}}}}'
        )
        yield Simulated("checkout", uuid if nameless else people.keys[token], value.encode())


def _bought(plan: Plan, order: int, amount: int) -> tuple[str, str, str]:
    """Event name, campaign and further properties of a completion."""
    orders = plan.orders
    effort = EFFORTS[orders.cause[order]]
    campaign = _campaign(effort, effort.networks[0], 0) if orders.tagged[order] else ""
    if orders.desk[order]:
        return DESK, campaign, ',"channel":"web"'
    coupon = f',"coupon":"{effort.coupons[0]}"' if orders.coupon[order] else ""
    new = _NEW[orders.new[order]]
    return SHOP, campaign, f',"revenue":{_money(amount)},"currency":"NOK"{coupon}{new}'


def _taken_back(kind: int, amount: int) -> tuple[str, str, str]:
    """Event name, campaign (none) and further properties of a reversal."""
    total = f',"total":"{_money(amount)}","currency":"NOK"' if kind == PARTIAL else ""
    return "Order Cancelled" if kind == CANCELLED else "Order Refunded", "", total


def _money(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _times(milliseconds: Ints) -> list[str]:
    """RFC 3339 without the zone."""
    return np.datetime_as_string(milliseconds.astype("datetime64[ms]")).tolist()  # type: ignore[no-any-return]


def _uuids(raw: NDArray[np.uint8]) -> list[str]:
    """The text of version 4 UUIDs from 16 random bytes each."""
    raw = raw.copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.full((len(raw), 36), ord("-"), np.uint8)
    nibbles = np.stack([raw >> 4, raw & 0x0F], axis=2).reshape(len(raw), 32)
    text[:, _DIGITS_OF_UUID] = _HEXADECIMAL[nibbles]
    return text.view("S36").ravel().astype(str).tolist()
