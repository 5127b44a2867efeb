"""Coupons as shops write them: text, lists, several with commas, discount codes, of products."""

from collections.abc import Iterable

from streams.core.door.fields.json_fields import Fields
from streams.core.door.fields.names import normal

MOST = 8  # of one message


def coupons(properties: Fields) -> tuple[str, ...]:
    """The normal coupons of a message in the order in which they are looked at, each once."""
    written = (*properties.ids("coupon"), *properties.ids("coupons"), *_of("discount_codes", "code", properties))
    if len(found := _normal(written)) < MOST and "products" in properties.values:
        found = _normal((*written, *_of("products", "coupon", properties)))
    return found


def of_text(coupon: str) -> tuple[str, ...]:
    """The normal coupons of a text, several with commas."""
    return _normal((coupon,)) if coupon else ()


def _of(items: str, field: str, properties: Fields) -> list[str]:
    if items not in properties.values:
        return []
    return [code for item in properties.objects(items) for code in item.ids(field)]


def _normal(written: Iterable[str]) -> tuple[str, ...]:
    names = (normal(part) for text in written for part in text.split(","))
    return tuple(dict.fromkeys(filter(None, names)))[:MOST]
