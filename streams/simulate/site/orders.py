"""Orders and what becomes of them: seen again, updated, cancelled, refunded in every form; and what they are worth."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

from streams.core.parsing.units import DAY
from streams.simulate.campaigns import DESK, EFFORTS, SHOP
from streams.simulate.site.stories import HOUR, MINUTE, Met, Sent, Visitor
from streams.simulate.site.words import HOST

_COUPONS = tuple((coupon, effort.id) for effort in EFFORTS for coupon in effort.coupons)
_NEW = ((True, (True, "true", "yes", 1, "1")), (False, (False, "false", "no", 0, "0")), (None, (None, "", "perhaps")))


@dataclass
class Purchase:
    """An order as it truly is. `amounts` in hundredths are those that say what it is worth, none where nobody can say;
    `remaining` the share that was not taken back; `carried` the campaign and network that the checkout itself says."""

    id: str
    visitor: Visitor
    time: int
    event: str = SHOP
    amounts: dict[str, int] = field(default_factory=dict)
    currency: str = "NOK"
    new: bool | None = None
    remaining: Fraction = Fraction(1)
    carried: tuple[str, str] = ("", "")

    @property
    def worth(self) -> int:
        """Hundredths, 0 where it is not known."""
        return next((self.amounts[key] for key in ("revenue", "total", "value") if key in self.amounts), 0)


def buy(rng: Random, visitor: Visitor, time: int, order_id: str) -> Purchase:
    """An order and its life."""
    order = Purchase(order_id, visitor, time)
    if rng.random() < 0.08:
        order.event = DESK
    order.currency = rng.choices(("NOK", "EUR", "SEK"), (85, 10, 5))[0]
    order.amounts = _drawn(rng)
    properties = _completed(rng, order)
    _complete(rng, order, time, properties)
    if order.event == SHOP:
        (life,) = rng.choices(_LIVES, _WEIGHTS)
        life(rng, order, time + rng.randrange(HOUR, DAY))
    return order


def _drawn(rng: Random) -> dict[str, int]:
    """What shops say of an order: its revenue, the total with tax and freight, both, or a value."""
    net = rng.randrange(9_900, 400_000)
    with_tax = net * 5 // 4 + 7_900
    return rng.choices(({"revenue": net}, {"total": with_tax}, {"revenue": net, "total": with_tax}, {"value": net}),
                       (5, 2, 3, 1))[0]  # fmt: skip


def _completed(rng: Random, order: Purchase) -> dict[str, Any]:
    """The properties of the order's completion."""
    order.new, spellings = rng.choices(_NEW, (5, 4, 1))[0]
    said: dict[str, Any] = {"order_id": order.id, **_money(rng, order, order.amounts), "affiliation": "shop.example"}
    said["products"] = [{"product_id": "p1", "price": 99, "quantity": 1, "name": "Blå ull"}]
    new = rng.choice(spellings)
    if new is not None:
        said["new_customer"] = new
    if rng.random() < 0.12:
        coupon, campaign = rng.choice(_COUPONS)
        order.carried = campaign, ""
        said |= _coupon(rng, coupon)
    return said


def _coupon(rng: Random, coupon: str) -> dict[str, Any]:
    """A coupon in the ways of shops."""
    lower = coupon.lower()
    return rng.choice((
        {"coupon": coupon}, {"coupon": f" {lower} "}, {"coupon": f"FRIFRAKT, {lower}"},
        {"coupon": ["frifrakt", coupon]}, {"coupons": [coupon]},
        {"discount_codes": [{"code": lower, "amount": "10.00"}]},
        {"products": [{"product_id": "p1", "coupon": coupon}]},
    ))  # fmt: skip


def _complete(rng: Random, order: Purchase, time: int, properties: dict[str, Any], again: bool = False) -> None:
    page = {"url": f"{HOST}/takk?o={order.id}", "path": "/takk", "referrer": "https://checkout.stripe.com/"}
    fields = {"event": _spelt(rng, order.event), "properties": properties, "context": {"page": page}}
    if not order.carried[0] and not again and rng.random() < 0.06:
        fields["context"]["campaign"] = {"name": "Meet the makers", "source": "TikTok"}  # type: ignore[index]
        order.carried = "makers", "tiktok"
    sent = order.visitor.send(rng, "track", time, fields)
    sent.outcome = "repeated" if again else "no_consent" if order.visitor.consent is False else "accepted"
    if properties.get("new_customer") == "perhaps":
        sent.left_out("properties.new_customer")


def _spelt(rng: Random, event: str) -> str:
    return rng.choice((event, event, event, event.lower().replace(" ", "_"), event.upper()))


def refund_of_another_shop(rng: Random, visitor: Visitor, time: int, order_id: str) -> None:
    """A refund of an order that nobody ever saw."""
    properties = {"order_id": order_id, "total": 99.5, "currency": "NOK"}
    sent = visitor.send(rng, "track", time, {"event": "Order Refunded", "properties": properties})
    sent.unsettled = "unknown_order"


def _said(rng: Random, order: Purchase, event: str, time: int, properties: dict[str, Any]) -> Sent:
    """What is said of an order after it was completed."""
    return order.visitor.send(rng, "track", time, {"event": event, "properties": {"order_id": order.id, **properties}})


def _money(rng: Random, order: Purchase, amounts: dict[str, int]) -> dict[str, Any]:
    currency = order.currency
    spelt = rng.choice((currency, currency.lower(), f" {currency}")) if currency != "NOK" or rng.random() < 0.7 else ""
    said = {key: amount(rng, hundredths, currency) for key, hundredths in amounts.items()}
    return said | ({"currency": spelt} if spelt else {})


def amount(rng: Random, hundredths: int, currency: str) -> Any:
    """An amount as people write it, in a way that can mean one thing only."""
    whole, part = divmod(hundredths, 100)
    plain, grouped = f"{whole}.{part:02}", f"{whole:,}"
    if rng.random() < 0.6:
        return float(plain)
    ways = [plain, f"{whole},{part:02}", f"{currency} {plain}", f"{plain} {currency.lower()}"]
    ways += [grouped.replace(",", separator) + f",{part:02}" for separator in (" ", "\u00a0", ".", "'")]
    ways.append(f"{grouped}.{part:02}" if whole > 999 else plain)
    if currency == "NOK":
        ways += [f"kr {whole},{part:02}", f"{whole},{part:02} kr"]
    if currency == "EUR":
        ways.append(f"€{plain}")
    return rng.choice(ways)


def _nothing(rng: Random, order: Purchase, time: int) -> None:
    """Most orders just stand."""


def _seen_again(rng: Random, order: Purchase, time: int) -> None:
    """The thank-you page is loaded again, with other amounts and after another campaign: nothing moves."""
    for _ in range(rng.randrange(1, 3)):
        properties = {"order_id": order.id, "currency": order.currency, "revenue": 1, "coupon": "VINDU10"}
        _complete(rng, order, time, properties, again=True)
        time += rng.randrange(MINUTE, DAY)


def _updated(rng: Random, order: Purchase, time: int) -> None:
    for _ in range(rng.randrange(1, 3)):
        order.amounts = _drawn(rng)
        _said(rng, order, "Order Updated", time, _money(rng, order, order.amounts))
        time += rng.randrange(MINUTE, DAY)


def _cancelled(rng: Random, order: Purchase, time: int) -> None:
    _said(rng, order, "Order Cancelled", time, _money(rng, order, order.amounts))
    order.remaining = Fraction(0)


def _cancelled_and_paid(rng: Random, order: Purchase, time: int) -> None:
    _said(rng, order, "Order Cancelled", time, {})
    if rng.random() < 0.5:
        _updated(rng, order, time + HOUR)
    else:
        _seen_again(rng, order, time + HOUR)


def _refunded(rng: Random, order: Purchase, time: int) -> None:
    """As a whole: no amount and no products."""
    _said(rng, order, "Order Refunded", time, {})
    order.remaining = Fraction(0)


def _in_part(rng: Random, order: Purchase, time: int) -> None:
    """By one or two amounts, negative ones too, of what the order states, or of its worth."""
    for _ in range(rng.randrange(1, 3)):
        if "total" in order.amounts or "revenue" in order.amounts:
            key = "total" if "total" in order.amounts else "revenue"
            of = order.amounts[key]
        else:
            key, of = "total", order.worth
        part = of * rng.randrange(5, 40) // 100
        said = _money(rng, order, {key: part})
        if isinstance(said[key], float) and rng.random() < 0.3:
            said[key] = -said[key]
        _said(rng, order, "Order Refunded", time, said)
        order.remaining -= Fraction(part, of)
        time += HOUR


def _by_products(rng: Random, order: Purchase, time: int) -> None:
    """By the products that came back: their price times quantity, as revenue."""
    of = order.amounts.get("revenue", order.worth)
    price = of * rng.randrange(3, 20) // 100
    products = [{"product_id": "p1", "price": amount(rng, price, order.currency), "quantity": rng.choice((2, "2"))}]
    _said(rng, order, "Order Refunded", time, {"products": products, "currency": order.currency})
    order.remaining -= Fraction(2 * price, of)


def _with_tax(rng: Random, order: Purchase, time: int) -> None:
    """With tax, of an order that states its total beside its revenue."""
    order.amounts = {"revenue": 100_000, "total": 125_000}
    _said(rng, order, "Order Updated", time, _money(rng, order, order.amounts))
    _said(rng, order, "Order Refunded", time + HOUR, _money(rng, order, {"total": 25_000}))
    order.remaining = Fraction(4, 5)


def _too_much(rng: Random, order: Purchase, time: int) -> None:
    """More than the order was worth takes all of it."""
    _said(rng, order, "Order Refunded", time, _money(rng, order, {"value": order.worth * 2}))
    order.remaining = Fraction(0)


def _so_far(rng: Random, order: Purchase, time: int) -> None:
    """The sum so far: the latest counts alone."""
    of = order.amounts.get("total", order.worth)
    for share in (10, 35):
        part = of * share // 100
        _said(rng, order, "Order Refunded", time, _money(rng, order, {"refunded_total": part}))
        order.remaining = 1 - Fraction(part, of)
        time += HOUR


def _elsewhere(rng: Random, order: Purchase, time: int) -> None:
    """In another currency than the order's: counted, and takes nothing."""
    _said(rng, order, "Order Refunded", time, {"total": 10, "currency": "DKK"}).unsettled = "currency_mismatch"


def _unclear(rng: Random, order: Purchase, time: int) -> None:
    """An amount that could mean two things: a conversion whose value nobody knows."""
    sent = next(s for s in order.visitor.sent if s.message.get("properties", {}).get("order_id") == order.id)
    properties = sent.message["properties"]
    for key in order.amounts:
        properties.pop(key)
    properties["revenue"] = "1,299"
    sent.left_out("properties.revenue")
    order.amounts = {}


_Life = Callable[[Random, Purchase, int], None]
_LIVES: tuple[_Life, ...] = (
    _nothing, _seen_again, _updated, _cancelled, _cancelled_and_paid, _refunded, _in_part, _by_products, _with_tax,
    _too_much, _so_far, _elsewhere, _unclear,
)  # fmt: skip
_WEIGHTS = (50, 12, 8, 4, 3, 4, 7, 3, 2, 1, 2, 1, 2)


def added(order: Purchase, seen: list[Met]) -> list[Met]:
    """The touch that the checkout itself adds to its journey, where there is none of that campaign."""
    campaign, network = order.carried
    if not campaign or campaign in {met.campaign for met in seen}:
        return []
    return [Met(order.time, campaign, network, "token")]
