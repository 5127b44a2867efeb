"""What a message is taken for, and why, in words: without what is its own, so that many come together as one."""

from collections.abc import Iterator, Sequence

from streams.core.catalogue.model import Catalogue
from streams.core.door.canonical import (
    Amounts,
    CompletionEvent,
    ConsentWord,
    Event,
    Ignored,
    Item,
    Link,
    Message,
    Reversal,
    Touch,
    Update,
    Words,
)
from streams.core.door.fields.names import event_name
from streams.core.events.campaigns import Campaigns
from streams.core.explain.names import misspelt
from streams.core.orders.matching import unfit
from streams.core.orders.store import CUSTOMERS

UNDO = frozenset({"unlike", "unfollow", "unsave", "unshare"})  # actions that take something back
_NO_ORIGIN = "it does not say where the visitor came from"
_UNUSED = {
    "page": _NO_ORIGIN,
    "screen": _NO_ORIGIN,
    "identify": "it has one usable id, and links no two",
    "alias": "it has one usable id, and links no two",
    "group": "groups are not used",
    "batch": "the batch is empty",
}


class Meanings:
    """Says what messages are taken for by one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue, self.campaigns = catalogue, Campaigns(catalogue)

    def of(self, item: Item) -> str:
        """What a message is, what was left out of it, and which of its ids are nobody's."""
        said = [f"dead letter ({item.rejected.reason}): {item.rejected.error}"] if item.rejected else []
        said += [self._event(event) for event in item.events]
        said += [f"left out: {fault.place} (a JSON {fault.type})" for fault in item.faults]
        said += [f"placeholder ids: {item.placeholders}"] if item.placeholders else []
        return "; ".join(said)

    def _event(self, event: Event) -> str:
        match event:
            case Touch():
                return self._touch(event)
            case CompletionEvent():
                return self._completion(event)
            case Update():
                return f"update: what an order is now, {_worth(event.amounts)}"
            case Reversal():
                return _reversal(event)
            case Link():
                return "link of two tokens of one person"
            case ConsentWord():
                return _consent(event)
            case Ignored():
                return self._ignored(event)

    def _touch(self, touch: Touch) -> str:
        words = touch.words
        campaign = self.campaigns.of_touch(words)
        reasons = list(self._out_of_journeys(touch, campaign))
        on = f" on {words.network}" if words.network else ""
        outside = f", in no journey: {', '.join(reasons)}" if reasons else ""
        return f"touch: {touch.action}{on}, {self._called(campaign, words)}{outside}"

    def _out_of_journeys(self, touch: Touch, campaign: str) -> Iterator[str]:
        if touch.message.denied is True:
            yield "consent is denied"
        if not touch.message.token:
            yield "no usable user or anonymous id"
        if touch.action in UNDO:
            yield "it undoes something"
        if not campaign:
            yield "no campaign"
        elif campaign in self._catalogue.internal:
            yield "the campaign is internal"

    def _completion(self, event: CompletionEvent) -> str:
        words, campaign = event.words, self.campaigns.of_checkout(event.words)
        if campaign:
            said = self._called(campaign, words)
        elif self.campaigns.source_of_checkout(words):
            source = self.campaigns.network_of_checkout(words)
            said = f"campaign ({source}) where it has no touch of {source}"
        else:
            said = "no campaign of its own"
        who = "" if event.message.token else ", nobody's: no usable user or anonymous id"
        denied = ", without consent" if event.message.denied is True else ""
        new = {True: "a new customer", False: "a returning customer", None: "no new_customer"}[event.new]
        return f"completion{self._goals(event)}: {_worth(event.amounts)}, {new}, {said}{who}{denied}"

    def _goals(self, event: CompletionEvent) -> str:
        goals = [goal for goal in self._catalogue.goals if event_name(goal.event) == event.event]
        if not goals:
            return f' that no goal counts ("{event.event}")'
        unmet = [(goal.id, list(unfit(CUSTOMERS[event.new], event.properties, goal))) for goal in goals]
        counting = [name for name, lacking in unmet if not lacking]
        others = [f"{name} ({_do_not_fit(lacking)})" for name, lacking in unmet if lacking]
        said = f" for {', '.join(counting)}" if counting else ", but"
        return f"{said}{',' if counting else ''} not for {', '.join(others)}" if others else said

    def _called(self, campaign: str, words: Words) -> str:
        return f"campaign {campaign} ({self._why(campaign, words)})" if campaign else "no campaign"

    def _why(self, campaign: str, words: Words) -> str:
        """By which rule it is that campaign."""
        listed = self._catalogue.listed
        for written, kind in ((words.id, "id"), (words.name, "name"), (words.next_id, "id"), (words.next_name, "name")):
            if written and listed(written) == campaign:
                return f'by the {kind} "{written}"'
        if campaign in (words.id, words.name, words.next_id, words.next_name):
            return "not in the catalogue"
        for coupon in words.coupons:
            if self._catalogue.of_coupons([coupon]) == campaign:
                return f'by the coupon "{coupon}"'
        if self._catalogue.named(f"({words.network})") == campaign:
            return "by its network alone"
        return "by the campaign's match"

    def _ignored(self, event: Ignored) -> str:
        name, kind = event.name, event.read_as or event.name
        why = misspelt(kind, self._catalogue) or _UNUSED.get(kind, "no goal counts it, and it is no touch")
        return f'ignored: "{name}"; {why}'


def _do_not_fit(properties: Sequence[str]) -> str:
    return f"{', '.join(properties)} {'does' if len(properties) == 1 else 'do'} not fit"


def _worth(amounts: Amounts) -> str:
    for name in ("revenue", "total", "value"):
        if getattr(amounts, name) is not None:
            return f"worth its {name}"
    return "an amount that cannot be read" if amounts.unreadable else "no amount"


def _reversal(event: Reversal) -> str:
    if event.whole:
        return f"reversal: a {event.kind} of the whole order".replace("a cancel ", "a cancellation ")
    if event.refunded_total is not None:
        return "reversal: the sum refunded so far"
    amounts = event.amounts
    known = any(each is not None for each in (amounts.revenue, amounts.total, amounts.value))
    return f"reversal: a refund of a part, {_worth(amounts)}{'' if known else ': it takes nothing'}"


def _consent(event: ConsentWord) -> str:
    return f"consent: advertising is {'denied' if event.denied else 'allowed'} from its time on"


def own(event: Event) -> str:
    """What is an event's own: its message's id and its order's; '' where it is ignored."""
    if isinstance(event, Ignored):
        return ""
    ids = getattr(event, "ids", {})
    order = f", {', '.join(f'{name} {value}' for name, value in ids.items())}" if ids else ""
    return f"{_message(event.message)}{order}"


def _message(message: Message) -> str:
    return f"message {message.message_id}" if message.own_id else "without a messageId"
