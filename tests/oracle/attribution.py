"""All of the contract at once: records in the order of their arrival in, the final tables out.

Chosen: the words of consent are a kind of message; a conflict is within a kind; `no_consent` is said of a message's
own consent; `repeated` goes to the message that arrived later; faults and placeholders are those of accepted
messages; an update or reversal without a scope finds an order without one first; an empty batch is ignored; of orders a
messageId is one whoever sends it, since one event of one order has it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from tests.oracle import figures
from tests.oracle.credit import Transitions, transitions
from tests.oracle.door.meanings import Event, Ignored, meaning
from tests.oracle.door.messages import DeadLetter, items, made_up, read
from tests.oracle.figures import Contribution
from tests.oracle.journeys import Campaigns, Touched, journey, meets, touched
from tests.oracle.orders import Order, order
from tests.oracle.people import Consents, People
from tests.oracle.settings import Catalogue, Goal, Sources

Record = tuple[str, bytes | None, bytes | None, Any]


class Dead(NamedTuple):
    """A dead letter: which record (from 0), which item of its batch (from 0; 0 of a single message), and why."""

    record: int
    item: int
    topic: str
    reason: str


@dataclass
class Result:
    """The final tables. Credit and money in millionths, times in ms, minutes (`window_start`) in s; rows of
    `goal_attribution` that are zero throughout are left out.

    goal_attribution: (window_start, goal, model, campaign, network, customer, reason, currency)
        -> [conversions, value, reversed_conversions, reversed_value]
    figures: (goal, conversion_id) -> what it adds to goal_attribution, in the same form
    conversions: (goal, conversion_id) -> columns; `user` is the canonical token itself, that of the checkout where
        it is ambiguous; `credit` has a list for each model
    orders: (goal, conversion_id) -> what was said of it, also of those that do not meet the goal's `where`
    days: (goal, local day, currency) -> [conversions, value] that stand
    engagement_counts: (window_start, campaign, network, action) -> events, by the campaigns of the final catalogue
    path_transitions: (goal, day, source, target) -> [converted, ended]
    outcomes: (topic, outcome, reason of a dead letter or '') -> messages; a reversal is accepted even when it is in
        `unknown_orders` or `currency_mismatches`, which are message ids
    ignored: (topic, event as sent, cut) -> messages; all names, without a limit to how many
    faults: (topic, place) -> accepted messages in which that field was left out
    """

    goal_attribution: Contribution = field(default_factory=dict)
    figures: dict[tuple[str, str], Contribution] = field(default_factory=dict)
    conversions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    days: dict[tuple[str, date, str], list[int]] = field(default_factory=dict)
    engagement_counts: Counter[tuple[int, str, str, str]] = field(default_factory=Counter)
    path_transitions: Transitions = field(default_factory=dict)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    dead_letters: list[Dead] = field(default_factory=list)
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    placeholder_ids: Counter[str] = field(default_factory=Counter)
    conflicting_ids: Counter[str] = field(default_factory=Counter)
    order_conflicts: set[str] = field(default_factory=set)
    unknown_orders: set[str] = field(default_factory=set)
    currency_mismatches: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)


def run(
    records: Iterable[Record],
    catalogue_text: str,
    sources_text: str | None = None,
    made: Callable[[str], str] = made_up,
) -> Result:
    """The final tables after all records (topic, key, value, headers). The value of one of the topic `erasures` is the
    token itself: what came before it is nobody's. `made` makes the messageId of a message without one."""
    return Run(Catalogue(catalogue_text), Sources(sources_text), made).finish(records)


def attribute(
    catalogue_text: str, records: Iterable[tuple[str, bytes | None]], sources_text: str | None = None
) -> Result:
    """As `run`, of records (topic, value)."""
    return run(((topic, None, value, ()) for topic, value in records), catalogue_text, sources_text)


class Run:
    """One run: `finish` takes it all in, then works out each conversion from what was accepted."""

    def __init__(self, catalogue: Catalogue, sources: Sources, made: Callable[[str], str] = made_up) -> None:
        self.catalogue, self.sources, self._made = catalogue, sources, made
        self.campaigns = Campaigns(catalogue, sources)
        self.result = Result()
        self.events: list[Event] = []
        self._seen: set[tuple[Any, ...]] = set()
        self._orders: set[tuple[str, str]] = set()

    def finish(self, records: Iterable[Record]) -> Result:
        for place, (topic, _, value, _) in enumerate(records):
            self.take(place, topic, value)
        self._count_engagement()
        self._convert_all()
        return self.result

    def take(self, place: int, topic: str, value: bytes | None) -> None:
        """One record, as it arrives."""
        if topic == "erasures":
            self._forget((value or b"").decode())
            return
        found = list(items(self.sources, topic, value))
        if not found:  # an empty batch
            self.result.outcomes[topic, "ignored", ""] += 1
            self.result.ignored[topic, "batch"] += 1
        for at, (text, sent_at) in enumerate(found):
            outcome, reason = self._outcome(topic, text, sent_at)
            self.result.outcomes[topic, outcome, reason] += 1
            if reason:
                self.result.dead_letters.append(Dead(place, at, topic, reason))

    def _outcome(self, topic: str, text: str | DeadLetter, sent_at: Any) -> tuple[str, str]:
        if isinstance(text, DeadLetter):
            return "dead_letter", str(text)
        try:
            message = read(self.sources, topic, text, sent_at, self._made)
            event = meaning(self.catalogue, self.sources, message)
        except DeadLetter as reason:
            return "dead_letter", str(reason)
        except Ignored:
            self.result.ignored[topic, message.name[:64]] += 1
            return "ignored", ""
        return self._accepted(event), ""

    def _accepted(self, event: Event) -> str:
        """Keep the event, unless it came before."""
        message = event.message
        orders = event.kind not in ("touch", "link", "consent")
        one = "" if orders else message.token or message.message_id, message.message_id, event.kind
        content = (event.name, *sorted(event.ids.items())) if orders else ()
        if (*one, content) in self._seen:
            return "duplicate"
        if one in self._seen:
            self.result.conflicting_ids[message.topic] += 1
        self._seen |= {one, (*one, content)}
        event.arrival = len(self.events)
        self.events.append(event)
        self.result.placeholder_ids[message.topic] += message.placeholders
        for place in message.fields.faults:
            self.result.faults[message.topic, place] += 1
        if event.kind == "completion" and self._is_repeated(event):
            return "repeated"
        return "no_consent" if message.denied and event.kind in ("touch", "completion") else "accepted"

    def _is_repeated(self, event: Event) -> bool:
        """Whether each goal that counts it had a completion of that order before."""
        goals = [goal for goal in self.catalogue.goals if goal.event == event.name]
        keys = {(goal.id, event.ids[goal.id_field]) for goal in goals}
        repeated = keys <= self._orders
        self._orders |= keys
        return repeated

    def _forget(self, token: str) -> None:
        """Nothing of what came is that token's any more, but that it happened."""
        for event in self.events:
            if token in (event.link or ()):
                event.link = None
            if event.token == token:
                event.token, event.erased = "", True

    def _count_engagement(self) -> None:
        for event in self.events:
            if event.kind == "touch":
                place = self.campaigns.of_touch(event), event.network, event.action
                self.result.engagement_counts[(figures.minute(event.message.time), *place)] += 1

    def _convert_all(self) -> None:
        self.result.links = {event.link for event in self.events if event.link}
        people = People(self.result.links)
        consents = Consents((event for event in self.events if event.kind == "consent"), people)
        touches = [event for event in self.events if event.kind == "touch"]
        theirs = touched(self.catalogue, self.campaigns, touches, people, consents)
        about = [event for event in self.events if event.kind in ("update", "reversal") and not event.erased]
        found: set[int] = set()
        matching: set[int] = set()
        mismatched: set[int] = set()
        for goal in self.catalogue.goals:
            for standing in self._orders_of(goal, found):
                self.result.orders[goal.id, standing.key] = standing
                mismatched |= {event.arrival for event in standing.mismatched}
                matching |= {event.arrival for event in standing.about} - {e.arrival for e in standing.mismatched}
                self.result.order_conflicts |= _conflicts(standing, people, self.catalogue.base_currency)
                if meets(goal, standing.first):
                    self._convert(goal, standing, theirs, people, consents)
        self.result.currency_mismatches = {e.message.message_id for e in about if e.arrival in mismatched - matching}
        self.result.unknown_orders = {e.message.message_id for e in about if e.arrival not in found}
        own = {user: touches.own for user, touches in theirs.items()}
        self.result.path_transitions = transitions(self.catalogue, self.result.conversions, own)

    def _orders_of(self, goal: Goal, found: set[int]) -> list[Order]:
        """All orders of a goal; the arrivals of the updates and reversals of them are added to `found`."""
        completions: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.kind == "completion" and event.name == goal.event:
                completions[event.ids[goal.id_field]].append(event)
        about: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.kind in ("update", "reversal") and goal.id_field != "messageId":
                key = _looked_for(event.ids[goal.id_field], event.scope, completions)
                about[key].append(event)
                found |= {event.arrival} if key in completions else set()
        base = self.catalogue.base_currency
        return [order(key, events, about[key], base) for key, events in completions.items()]

    def _convert(
        self, goal: Goal, standing: Order, theirs: Mapping[str, Touched], people: People, consents: Consents
    ) -> None:
        """Add one conversion to the tables."""
        first = standing.first
        user = people.canonical(first.token)
        touches = None if people.ambiguous(first.token) else theirs.get(user, Touched([], []))
        seen, reason = journey(goal, first, touches, self.campaigns, consents.denied(first))
        row = figures.row(goal, standing, seen, reason) | {"user": "" if reason == "no_consent" else user}
        key = goal.id, standing.key
        self.result.conversions[key] = row
        self.result.figures[key] = figures.figures(goal, standing, seen, row)
        for cell, amounts in self.result.figures[key].items():
            figures.add(self.result.goal_attribution, cell, amounts)
        if standing.remaining:
            day = self.catalogue.local_day(first.message.time)
            figures.add(self.result.days, (goal.id, day, standing.currency), [1, row["value"]])


def _looked_for(key: str, scope: str, completions: Mapping[str, Sequence[Event]]) -> str:
    """The key of the order that an update or a reversal is about; without a scope, of the one scope that has it."""
    if key in completions or scope:
        return key
    scoped = [other for other, events in completions.items() if events[0].scope and other == f"{events[0].scope}:{key}"]
    return scoped[0] if len(scoped) == 1 else key


def _conflicts(standing: Order, people: People, base: str) -> set[str]:
    """The later completions that have another buyer or currency than the first."""
    first = standing.first
    return {
        event.message.message_id
        for event in standing.later
        if (event.currency or base) != (first.currency or base)
        or (event.token and first.token and people.canonical(event.token) != people.canonical(first.token))
    }
