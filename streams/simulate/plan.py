"""Who does what, when and why: every touch, order and reversal of a simulated period, as arrays, from one seed."""

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.core.parsing.units import HOUR
from streams.simulate.campaigns import DESK, EFFORTS, EVERYDAY, PERSUASION, SOUGHT, SimulatedCampaign
from streams.simulate.people import Flags, Ints, Population, held_out, townspeople
from streams.simulate.scenario import Scenario

DAY = 24 * HOUR
ORGANIC = -1
_DRAWS = 8  # of an order that would come after the period
COMPLETED, PARTIAL, WHOLE, CANCELLED = range(4)

# People by hour of the day and by weekday (Monday first), relative.
_BY_HOUR = np.array([1, 1, 1, 1, 1, 2, 4, 7, 8, 8, 8, 9, 10, 9, 8, 8, 9, 10, 12, 14, 15, 12, 7, 3], float)
_BY_WEEKDAY = np.array([9, 9, 9, 10, 12, 13, 8], float)


@dataclass(frozen=True)
class Placement:
    """One way to meet one campaign."""

    effort: SimulatedCampaign
    network: str
    action: str
    variant: int


KINDS = tuple(
    Placement(effort, network, action, variant)
    for effort in (*EFFORTS, EVERYDAY)
    for network in effort.networks
    for action in effort.actions
    for variant in range(4)
)
_EFFORT_OF_KIND = np.array([EFFORTS.index(k.effort) if k.effort in EFFORTS else ORGANIC for k in KINDS])
_KIND_WEIGHT = np.array(
    [
        k.effort.share * k.effort.actions[k.action] / sum(k.effort.actions.values()) / len(k.effort.networks)
        for k in KINDS
    ]
)
_KIND_PULL = np.array([k.effort.pull * PERSUASION.get(k.action, 0.0) for k in KINDS])
_SOUGHT = np.array([i for i, kind in enumerate(KINDS) if (kind.effort.id, kind.action) == SOUGHT])
_HAS_COUPON = np.array([bool(effort.coupons) for effort in EFFORTS])
_AT_DESK = np.array([effort.causes == DESK for effort in EFFORTS])


@dataclass(frozen=True)
class PlannedTouches:
    """Engagement events; one element each. `time` in ms, `kind` indexes KINDS."""

    user: Ints
    time: Ints
    kind: Ints
    nameless: Flags


@dataclass(frozen=True)
class PlannedOrders:
    """Completions; `cause` indexes EFFORTS or is ORGANIC, `touch` is the touch that caused it or -1 (none, or the
    campaign was met elsewhere), `amount` in hundredths, `new` is 1, 0 or -1 (not said)."""

    user: Ints
    time: Ints
    cause: Ints
    touch: Ints
    desk: Flags
    amount: Ints
    coupon: Flags
    tagged: Flags
    nameless: Flags
    new: Ints


@dataclass(frozen=True)
class Checkout:
    """Checkout events: of which order, when, COMPLETED, PARTIAL, WHOLE or CANCELLED, and an amount in hundredths."""

    order: Ints
    time: Ints
    kind: Ints
    amount: Ints


Columns = TypeVar("Columns", PlannedTouches, PlannedOrders, Checkout)


@dataclass(frozen=True)
class Plan:
    """A whole period. A record's position is its index in touches + checkout.

    `uuid` (16 bytes a row) and `lag` (ms from event to arrival) are by position; `repeats` are the positions that
    arrive once more, `repeat_lag` later.
    """

    people: Population
    touches: PlannedTouches
    orders: PlannedOrders
    checkout: Checkout
    uuid: NDArray[np.uint8]
    lag: Ints
    repeats: Ints
    repeat_lag: Ints

    def arrival(self) -> Ints:
        """Positions of the records in the order in which they arrive, a repeated one twice."""
        first = np.concatenate([self.touches.time, self.checkout.time]) + self.lag
        again = first[self.repeats] + self.repeat_lag
        positions = np.concatenate([np.arange(len(first)), self.repeats])
        return positions[np.argsort(np.concatenate([first, again]), kind="stable")]


def plan(scenario: Scenario) -> Plan:
    """Everything that happens in a scenario; a pure function of it."""
    rng = np.random.default_rng(scenario.seed)
    repeats = round(scenario.events * scenario.duplicates)
    distinct = scenario.events - repeats
    engaged = round(distinct * scenario.engagement)
    touches = _touches(rng, scenario, engaged)
    reversed_, completed_again = _counts(scenario, distinct - engaged)
    orders = _orders(rng, scenario, touches, distinct - engaged - reversed_ - completed_again)
    checkout = _checkout(rng, scenario, orders, reversed_, completed_again)
    denied, anonymous = (rng.random(scenario.people) < share for share in (scenario.denied, scenario.anonymous))
    people = townspeople(scenario, denied, anonymous, orders.user, orders.time)
    touches, orders, checkout = _happening(scenario, people, _with_seekers(scenario, touches, orders), orders, checkout)
    distinct = len(touches.time) + len(checkout.time)
    return Plan(
        people=people,
        touches=touches,
        orders=orders,
        checkout=checkout,
        uuid=np.frombuffer(rng.bytes(16 * distinct), np.uint8).reshape(distinct, 16),
        lag=_lag(rng, scenario, distinct),
        repeats=rng.integers(0, max(distinct, 1), repeats),
        repeat_lag=_exponential(rng, HOUR / 4, repeats) + 1,
    )


def _with_seekers(scenario: Scenario, touches: PlannedTouches, orders: PlannedOrders) -> PlannedTouches:
    """The touches, and those of people who were going to buy and find the shop through an advertisement."""
    rng = np.random.default_rng([scenario.seed, 2])
    seek = np.flatnonzero((orders.cause == ORGANIC) & (rng.random(len(orders.cause)) < scenario.seekers))
    n = len(seek)
    time = np.maximum(orders.time[seek] - 1 - _exponential(rng, HOUR, n), scenario.begin)
    found = PlannedTouches(orders.user[seek], time, _SOUGHT[rng.integers(0, len(_SOUGHT), n)], np.zeros(n, np.bool_))
    return PlannedTouches(
        *(np.concatenate([getattr(part, f.name) for part in (touches, found)]) for f in fields(PlannedTouches))
    )


def _happening(
    scenario: Scenario, people: Population, touches: PlannedTouches, orders: PlannedOrders, checkout: Checkout
) -> tuple[PlannedTouches, PlannedOrders, Checkout]:
    """A plan without the touches of those who are held out, and without the orders that only these would cause."""
    if not scenario.holdout:
        return touches, orders, checkout
    out = held_out(scenario, people)
    shown = ~out[_EFFORT_OF_KIND[touches.kind], people.tokens(touches.user, touches.time)]
    reached = ~out[orders.cause, people.tokens(orders.user, orders.time)]
    bought = np.where(orders.touch < 0, reached, np.append(shown, True)[orders.touch])
    checkout = _taken(checkout, bought[checkout.order])
    number = np.cumsum(bought) - 1
    return _taken(touches, shown), _taken(orders, bought), replace(checkout, order=number[checkout.order])


def _taken(columns: Columns, which: Flags) -> Columns:
    return replace(columns, **{field.name: getattr(columns, field.name)[which] for field in fields(columns)})


def _counts(scenario: Scenario, checkout: int) -> tuple[int, int]:
    """Of so many checkout events: how many reversals and how many re-completions (one order in a hundred)."""
    orders = checkout / (1 + scenario.refunds + 0.01)
    return (round(orders * scenario.refunds), round(orders * 0.01)) if checkout > 1 else (0, 0)


def _touches(rng: np.random.Generator, scenario: Scenario, count: int) -> PlannedTouches:
    # Squared, so that a few users are far more active than the rest.
    users = (scenario.people * rng.random(count) ** 2).astype(np.int64)
    return PlannedTouches(
        user=users,
        time=_times(rng, scenario, count),
        kind=_weighted(rng, _KIND_WEIGHT, count),
        nameless=rng.random(count) < 0.01,
    )


def _orders(rng: np.random.Generator, scenario: Scenario, touches: PlannedTouches, count: int) -> PlannedOrders:
    pull = _KIND_PULL[touches.kind]
    organic = round(count * scenario.organic) if pull.any() else count
    caused = count - organic
    touch, delay = _caused(rng, scenario, touches, pull, caused)
    cause = np.concatenate([_EFFORT_OF_KIND[touches.kind[touch]], np.full(organic, ORGANIC)])
    time_ = np.concatenate([touches.time[touch] + delay, _times(rng, scenario, organic)])
    strangers = rng.integers(0, scenario.people, count)
    user = np.where(cause == ORGANIC, strangers, np.concatenate([touches.user[touch], strangers[caused:]]))
    coupon = (cause != ORGANIC) & _HAS_COUPON[cause] & (rng.random(count) < 0.7)
    # Half of those who bring a coupon only ever saw it on paper: nothing but the coupon tells their cause.
    elsewhere = coupon & (rng.random(count) < 0.5)
    said = rng.random(count)
    return PlannedOrders(
        user=np.where(elsewhere, strangers, user),
        time=time_,
        cause=cause,
        touch=np.where((cause == ORGANIC) | elsewhere, -1, np.concatenate([touch, np.zeros(organic, np.int64)])),
        desk=np.where(cause == ORGANIC, rng.random(count) < 0.2, _AT_DESK[cause]),
        amount=np.maximum(100, np.round(rng.lognormal(10.3, 0.6, count)).astype(np.int64)),
        coupon=coupon,
        tagged=(cause != ORGANIC) & (rng.random(count) < 0.15),
        nameless=rng.random(count) < 0.05,
        new=np.where(said < 0.03, -1, (said < np.where(cause == ORGANIC, 0.08, 0.13)).astype(np.int64)),
    )


def _caused(
    rng: np.random.Generator, scenario: Scenario, touches: PlannedTouches, pull: NDArray[np.float64], count: int
) -> tuple[Ints, Ints]:
    """The touches that cause an order, and after how many ms. An order that would come after the period is drawn anew,
    so that none pile up at its end; where the period is too short for that, what is left falls inside."""
    touch, delay = _weighted(rng, pull, count), _exponential(rng, 1.5 * DAY, count) % (6 * DAY)
    end = scenario.begin + scenario.days * DAY
    for _ in range(_DRAWS):
        beyond = np.flatnonzero(touches.time[touch] + delay >= end) if count else touch
        touch[beyond] = _weighted(rng, pull, len(beyond))
        delay[beyond] = _exponential(rng, 1.5 * DAY, len(beyond)) % (6 * DAY)
    return touch, np.where(touches.time[touch] + delay < end, delay, _until_end(rng, scenario, touches.time[touch]))


def _checkout(
    rng: np.random.Generator, scenario: Scenario, orders: PlannedOrders, reversed_: int, again: int
) -> Checkout:
    """Each order's completion, then reversals (half of them partial), then completions of some orders once more."""
    count = len(orders.time)
    changed = rng.integers(0, max(count, 1), reversed_ + again)
    wait = np.concatenate([_exponential(rng, 4 * DAY, reversed_), _exponential(rng, HOUR / 2, again)])
    since = orders.time[changed]
    kind = np.concatenate([PARTIAL + _weighted(rng, np.array([2.0, 1.0, 1.0]), reversed_), np.full(again, COMPLETED)])
    kind = np.where((kind == PARTIAL) & orders.desk[changed], CANCELLED, kind)  # an enquiry has no price to refund
    share = np.where(kind == PARTIAL, 0.1 + 0.6 * rng.random(len(kind)), 1.1)
    return Checkout(
        order=np.concatenate([np.arange(count), changed]),
        time=np.concatenate([orders.time, since + np.minimum(wait, _until_end(rng, scenario, since))]),
        kind=np.concatenate([np.full(count, COMPLETED), kind]),
        amount=np.concatenate([orders.amount, (orders.amount[changed] * share).astype(np.int64)]),
    )


def _lag(rng: np.random.Generator, scenario: Scenario, count: int) -> Ints:
    """From the event to its arrival: about a second, for the disorderly share about six hours."""
    late = rng.random(count) < scenario.disorder
    return np.where(late, _exponential(rng, 6 * HOUR, count), _exponential(rng, 1_000, count))


def _times(rng: np.random.Generator, scenario: Scenario, count: int) -> Ints:
    """Event times with the rhythm of day and week."""
    weekdays = (scenario.start.weekday() + np.arange(scenario.days)) % 7
    hours = _weighted(rng, np.outer(_BY_WEEKDAY[weekdays], _BY_HOUR).ravel(), count)
    return scenario.begin + hours * HOUR + rng.integers(0, HOUR, count)


def _until_end(rng: np.random.Generator, scenario: Scenario, since: Ints) -> Ints:
    """A random part of what is left of the period, so that what follows an event still falls inside."""
    left = scenario.begin + scenario.days * DAY - 1 - since
    return (rng.random(len(since)) * left).astype(np.int64)


def _exponential(rng: np.random.Generator, mean: float, count: int) -> Ints:
    return rng.exponential(mean, count).astype(np.int64)


def _weighted(rng: np.random.Generator, weights: NDArray[np.float64], count: int) -> Ints:
    """Indexes drawn with probability proportional to `weights`."""
    bounds = np.cumsum(weights)
    drawn = np.searchsorted(bounds, rng.random(count) * bounds[-1], side="right") if count else np.zeros(0)
    return drawn.astype(np.int64)
