"""What a message means: by itself, whatever its topic.

Chosen: `Order Completed` that no goal counts, `identify` of a token with itself, `alias` with one id and a word of
consent by nobody are ignored; the source of the spec's `properties.campaign` is one, before the context's; order ids
are no placeholders; `new_customer` in any case and trimmed; of products each needs a price and a quantity; `products`
that is empty is absent; a refund's amount in no currency takes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.door.amounts import amount
from tests.oracle.door.fields import Fields, flag
from tests.oracle.door.messages import DeadLetter, Message
from tests.oracle.door.names import event_name, name
from tests.oracle.door.networks import CLICK_IDS
from tests.oracle.door.words import OrderLocations, Words, say_of_campaigns
from tests.oracle.settings import CONSENTS, ORDERS, Catalogue, Sources

AMOUNTS = ("revenue", "total", "value")
CLASS = {
    **dict.fromkeys(("click", "visit", "scan"), "click"),
    **dict.fromkeys(("like", "comment", "share", "save", "follow", "reply", "reaction", "video_view"), "engage"),
    **dict.fromkeys(("view", "impression", "open"), "view"),
    **dict.fromkeys(("unlike", "unfollow", "unsave", "unshare"), ""),
}
OF_THE_SPEC = {
    "promotion viewed": "view",
    "promotion clicked": "click",
    "email opened": "view",
    "email link clicked": "click",
    "install attributed": "visit",
    "deep link opened": "visit",
    "product shared": "share",
    "cart shared": "share",
}
KINDS = {ORDERS[0]: "completion", ORDERS[1]: "update", ORDERS[2]: "reversal", ORDERS[3]: "reversal"}


class Ignored(Exception):  # noqa: N818 - the contract's word
    """A legal message that is not for us."""


@dataclass
class Event:
    """A message with an effect, of `kind` touch, completion, update, reversal, link or consent.

    `name` is normalised, '' of touches and links. `ids` are an order's keys by the goals' `id_field`, with the scope;
    `amounts` (millionths) those that are usable, `currency` '' where not said. Of a reversal `whole` is that it takes
    all back, `so_far` the sum that was refunded until then.
    """

    message: Message
    kind: str
    name: str = ""
    words: Words = field(default_factory=Words)
    action: str = ""
    network: str = ""
    scope: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    currency: str = ""
    whole: bool = False
    so_far: int | None = None
    new_customer: bool | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    arrival: int = 0
    link: tuple[str, str] | None = None
    token: str = ""
    erased: bool = False

    @property
    def at(self) -> tuple[int, str, str]:
        """In this order messages of an order come one after the other."""
        return self.message.time, self.message.message_id, self.message.token

    @property
    def worth(self) -> int | None:
        return next((self.amounts[key] for key in AMOUNTS if key in self.amounts), None)


def meaning(catalogue: Catalogue, sources: Sources, message: Message) -> Event:
    """The event that it is; raises Ignored or DeadLetter."""
    event = _meaning(catalogue, sources, message)
    event.link, event.token = message.link, message.token
    return event


def _meaning(catalogue: Catalogue, sources: Sources, message: Message) -> Event:
    if message.type in ("identify", "alias") and message.link:
        return Event(message, "link")
    if message.type in ("page", "screen"):
        return _visit(sources, message)
    if message.type == "track":
        return _tracked(catalogue, sources, message, event_name(message.name))
    raise Ignored


def _tracked(catalogue: Catalogue, sources: Sources, message: Message, called: str) -> Event:
    """The first that applies; an order that no goal counts has no effect."""
    if called in ORDERS[1:] or called in catalogue.events:
        return _order(catalogue, sources, message, called)
    if called in CONSENTS and message.denied is not None and message.token:
        return Event(message, "consent", called)
    if called in CONSENTS or called == ORDERS[0]:
        raise Ignored
    if called == "social interaction":
        return _social_interaction(sources, message)
    if called in sources.touches:
        given = sources.touches[called]
        return _touch(sources, message, given["action"], said=given.get("network", ""))
    if called in OF_THE_SPEC:
        return _of_the_spec(sources, message, called)
    raise Ignored


def _visit(sources: Sources, message: Message) -> Event:
    event = _touch(sources, message, "visit")
    words = event.words
    told = any(pair.id or pair.name or pair.source for pair in words.pairs)
    if told or any(words.parameters.get(key) for key in CLICK_IDS) or sources.networks.of_referrer(words.host):
        return event
    raise Ignored


def _social_interaction(sources: Sources, message: Message) -> Event:
    action = message.fields.text("properties.action")
    if not name(message.fields.text("properties.network")):
        raise DeadLetter("malformed")
    return _touch(sources, message, action)


def _of_the_spec(sources: Sources, message: Message, called: str) -> Event:
    action = OF_THE_SPEC[called]
    if called.startswith("promotion"):
        event = _touch(sources, message, action, first=[("properties.promotion_id", "", "")])
        event.network = event.network or "shop"
        return event
    first = [
        ("properties.campaign_id", "properties.campaign_name", ""),
        ("properties.campaign.id", "properties.campaign.name", "properties.campaign.source"),
    ]
    if called.startswith("email"):
        return _touch(sources, message, action, said="email", first=first)
    shared = message.fields.text("properties.share_via") if called.endswith("shared") else ""
    return _touch(sources, message, action, said=shared, first=first)


def _touch(
    sources: Sources, message: Message, action: str, said: str = "", first: Iterable[OrderLocations] = ()
) -> Event:
    """`said` is the network that the event's name or a field of it says, `first` the places that
    say the campaign before 2.4."""
    action = action.casefold()
    if action not in CLASS:
        raise DeadLetter("malformed")
    words = say_of_campaigns(sources, message, first)
    network = sources.networks.of_name(name(said)) if name(said) else words.network_of_touch(sources.networks)
    return Event(message, "touch", words=words, action=action, network=network)


def _order(catalogue: Catalogue, sources: Sources, message: Message, called: str) -> Event:
    """A completion, an update or a reversal."""
    fields = message.fields
    kind = KINDS.get(called, "completion")
    event = Event(message, kind, called, scope=_scope(sources, message), properties=fields.object("properties"))
    for id_field in catalogue.id_fields_of(called if kind == "completion" else ""):
        given = "" if id_field == "messageId" else _property(fields, id_field)
        key = given or message.message_id
        event.ids[id_field] = f"{event.scope}:{key}" if event.scope else key
    said = _currency(fields) if called != ORDERS[2] else ""
    event.currency = said or ""
    if called != ORDERS[2]:
        event.amounts = _amounts(fields, said, catalogue.base_currency, kind == "reversal")
    if kind == "completion":
        event.new_customer = _new_customer(fields)
        event.words = say_of_campaigns(sources, message, ())
    if kind == "reversal":
        _taken(event, called, said, catalogue.base_currency)
    return event


def _property(fields: Fields, key: str) -> str:
    return fields.as_id(fields.object("properties").get(key), f"properties.{key}")


def _scope(sources: Sources, message: Message) -> str:
    affiliation = message.fields.id("properties.affiliation") if sources.by_affiliation else ""
    return sources.scope(message.topic) or affiliation


def _currency(fields: Fields) -> str | None:
    """'' where it is not said, None where what is there is no currency."""
    given = fields.value("properties.currency")
    if given is None or given == "":
        return ""
    code = given.strip().upper() if isinstance(given, str) else ""
    if len(code) == 3 and code.isascii() and code.isalpha():
        return code
    fields.faults.add("properties.currency")
    return None


def _amounts(fields: Fields, currency: str | None, base: str, absolute: bool) -> dict[str, int]:
    found = {}
    for key in AMOUNTS:
        read = _read(fields, f"properties.{key}", currency, base, absolute)
        if read is not None:
            found[key] = read
    return found


def _read(fields: Fields, place: str, currency: str | None, base: str, absolute: bool) -> int | None:
    """The amount there; None, told, where it cannot be read, or its currency cannot."""
    given = fields.value(place)
    read = None if currency is None else amount(given, currency or base)
    if read is not None and (absolute or read >= 0):
        return abs(read)
    if given is not None:
        fields.faults.add(place)
    return None


def _taken(event: Event, called: str, currency: str | None, base: str) -> None:
    """What a reversal takes back."""
    fields = event.message.fields
    amounts = [fields.value(f"properties.{key}") for key in (*AMOUNTS, "refunded_total")]
    products = fields.value("properties.products")
    said = any(given is not None for given in amounts)
    event.whole = called == ORDERS[2] or not (said or products not in (None, "", []))
    if event.whole:
        return
    event.so_far = _read(fields, "properties.refunded_total", currency, base, True)
    if not said:
        of_products = None if currency is None else _sum_of_products(products, currency or base)
        event.amounts = {} if of_products is None else {"revenue": of_products}
        fields.faults |= {"properties.products"} if of_products is None else set()


def _sum_of_products(products: Any, currency: str) -> int | None:
    """Millionths; None unless every product has a price and a quantity."""
    if not isinstance(products, list) or not all(isinstance(product, dict) for product in products):
        return None
    total = Fraction(0)
    for product in products:
        price, quantity = amount(product.get("price"), currency), amount(product.get("quantity"), currency)
        if price is None or quantity is None:
            return None
        total += Fraction(abs(price) * abs(quantity), 1_000_000)
    return round(total) if total < 10**18 else None


def _new_customer(fields: Fields) -> bool | None:
    given = fields.value("properties.new_customer")
    if (known := flag(given)) is not None:
        return known
    if given not in (None, ""):
        fields.faults.add("properties.new_customer")
    return None
