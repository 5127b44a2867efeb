"""Which campaign a message counts for, and which touches a conversion sees.

Chosen: an internal campaign of a checkout is passed over pair by pair and coupon by coupon; the touches "among its
own" are those of its journey; of touches of several tokens of one person with one messageId the earliest counts, so
that nothing hangs on arrival; `(network)` goes through the aliases too; `*` in a `path` stands for nothing too,
anywhere.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from tests.oracle.door.amounts import Number
from tests.oracle.door.fields import flag
from tests.oracle.door.meanings import CLASS, Event
from tests.oracle.door.names import fits, host, name
from tests.oracle.door.words import Pair, Words
from tests.oracle.people import Consents, People
from tests.oracle.settings import Catalogue, Goal, Sources

MOST_TOUCHES = 1000


class Touch(NamedTuple):
    """In the order in which touches are credited, but for the added one (action `token`), which comes last."""

    time: int
    message_id: str
    campaign: str
    network: str
    action: str


class Campaigns:
    """What the words of a message mean by a catalogue; '' stands for no campaign."""

    def __init__(self, catalogue: Catalogue, sources: Sources) -> None:
        self._catalogue, self._networks = catalogue, sources.networks

    def of_touch(self, event: Event) -> str:
        catalogue, words = self._catalogue, event.words
        named = next(filter(None, map(self._of_pair, words.pairs)), "")
        coupon = next(filter(None, map(catalogue.of_coupon, words.coupons)), "")
        return named or coupon or self._matching(event) or self._of_network(event.network)

    def of_checkout(self, words: Words, journey: Iterable[Touch]) -> tuple[str, str]:
        """The campaign and network of the touch that a checkout adds to its journey."""
        pairs = [pair for pair in words.pairs if not self._internal(self._of_pair(pair))]
        coupons = [self._catalogue.of_coupon(coupon) for coupon in words.coupons]
        network = words.network_of(pairs, self._networks)
        campaign = next(filter(None, map(self._of_pair, pairs)), "") or next(
            (coupon for coupon in coupons if coupon and not self._internal(coupon)), ""
        )
        sourced = any(pair.source for pair in pairs)
        if not campaign and sourced and network not in {touch.network for touch in journey}:
            campaign = self._of_network(network)
        return ("" if self._internal(campaign) else campaign), network

    def _of_pair(self, pair: Pair) -> str:
        """The id or the name, whichever is listed, the id first; else the name, else the id."""
        listed = self._catalogue.listed(pair.id) or self._catalogue.listed(pair.name)
        return listed or pair.name or pair.id

    def _internal(self, campaign: str) -> bool:
        return self._catalogue.internal(campaign)

    def _of_network(self, network: str) -> str:
        called = f"({network})" if network and network != "shop" else ""
        return self._catalogue.listed(called) or called

    def _matching(self, event: Event) -> str:
        for campaign in self._catalogue.campaigns:
            wanted = campaign.get("match")
            if wanted and self._fits(wanted, event):
                return str(campaign["id"])
        return ""

    def _fits(self, wanted: dict[str, str], event: Event) -> bool:
        words = event.words
        return (
            ("network" not in wanted or self._networks.of_name(name(wanted["network"])) == event.network)
            and ("medium" not in wanted or name(wanted["medium"]) == words.medium)
            and ("host" not in wanted or fits(host(wanted["host"]), words.host))
            and ("path" not in wanted or _on_path(name(wanted["path"]), name(words.path)))
        )


def _on_path(pattern: str, path: str) -> bool:
    """Whether a path is what a pattern says; `*` stands for anything, nothing too."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path, re.DOTALL) is not None


class Touched(NamedTuple):
    """What somebody may have in a journey: the touches that are surely theirs, and those that may be another's."""

    own: list[Touch]
    doubtful: list[Touch]


def touched(
    catalogue: Catalogue, campaigns: Campaigns, touches: Iterable[Event], people: People, consents: Consents
) -> dict[str, Touched]:
    """By canonical token, what can be in a journey at all, in order."""
    found: dict[str, Touched] = {}
    for event in touches:
        campaign = campaigns.of_touch(event)
        usable = event.token and campaign and not catalogue.internal(campaign) and CLASS[event.action]
        if not usable or consents.denied(event):
            continue
        message = event.message
        touch = Touch(message.time, message.message_id, campaign, event.network, event.action)
        if people.ambiguous(event.token):
            for user in people.perhaps(event.token):
                found.setdefault(user, Touched([], [])).doubtful.append(touch)
        else:
            found.setdefault(people.canonical(event.token), Touched([], [])).own.append(touch)
    return {user: Touched(*map(sorted, both)) for user, both in found.items()}


def inside(goal: Goal, time: int, touches: Iterable[Touch]) -> list[Touch]:
    """The touches in their windows, one for each messageId: the earliest."""
    seen = [touch for touch in touches if 0 <= time - touch.time <= goal.windows[CLASS[touch.action]]]
    first = {touch.message_id: touch for touch in reversed(seen)}
    return [touch for touch in seen if first[touch.message_id] is touch]


def journey(
    goal: Goal, order: Event, theirs: Touched | None, campaigns: Campaigns, denied: bool
) -> tuple[Sequence[Touch], str]:
    """The touches that a conversion sees, and the reason where there are none; `theirs` is None where nobody knows
    whose it is."""
    if denied or order.erased:
        return [], "no_consent" if denied else "erased"
    time = order.message.time
    seen = inside(goal, time, theirs.own)[-MOST_TOUCHES:] if theirs else []
    campaign, network = campaigns.of_checkout(order.words, seen)
    if campaign and campaign not in {touch.campaign for touch in seen}:
        seen.append(Touch(time, "", campaign, network, "token"))
    if seen:
        return seen, ""
    if not order.token:
        return [], "no_token"
    if theirs is None or inside(goal, time, theirs.doubtful):
        return [], "ambiguous_identity"
    return [], "out_of_window" if any(touch.time <= time for touch in theirs.own) else "no_touch"


def meets(goal: Goal, order: Event) -> bool:
    """Whether an order is what the goal's `where` asks for."""
    return all(_is(order, key, wanted) for key, wanted in goal.where.items())


def _is(order: Event, key: str, wanted: object) -> bool:
    """Equal as JSON values: 1 and 1.0 are one number, true is no number, "1" is a text."""
    if key == "new_customer":
        asked = flag(wanted if isinstance(wanted, bool) else str(wanted))
        return asked is not None and order.new_customer is asked
    given = order.properties.get(key)
    if isinstance(wanted, bool):
        return given is wanted
    if isinstance(wanted, str):
        return type(given) is str and given == wanted
    return type(given) is Number and Decimal(given) == wanted
