"""Visits: pages that are looked at, with or without a word of where the visitor came from, and the spec's events."""

from collections.abc import Callable
from random import Random
from typing import Any

from streams.simulate.site import words
from streams.simulate.site.stories import MINUTE, Met, Sent, Visitor
from streams.simulate.site.words import BANNER, HOST, CameFrom

_PATHS = ("/", "/wool", "/wool/blue", "/patterns/12", "/cart", "/about")
_PASSED_OVER = ("Product Viewed", "Product Added", "Cart Viewed", "Products Searched", "Form Submitted")
_SCREENS = ({"width": 1920, "height": 1080, "density": 1}, {"width": 390, "height": 844, "density": 3})


def visit(rng: Random, visitor: Visitor, time: int) -> None:
    """One visit: how it came about, and then pages of the shop."""
    (way,) = rng.choices(_WAYS, _WEIGHTS)
    way(rng, visitor, time)
    browse(rng, visitor, time + MINUTE)


def browse(rng: Random, visitor: Visitor, time: int) -> None:
    """Pages and events that say nothing of campaigns, and now and then a click on the shop's own banner."""
    for n in range(rng.randrange(5)):
        time += rng.randrange(5_000, 3 * MINUTE)
        path, before = rng.choice(_PATHS), HOST + rng.choice(_PATHS)
        if rng.random() < 0.7:
            kind = "screen" if visitor.style == "app" else "page"
            visitor.send(
                rng, kind, time, _page(rng, path, CameFrom("", before, {}, "", "")), outcome="ignored", name=kind
            )
        else:
            name = rng.choice(_PASSED_OVER)
            said = {"event": name, "properties": {"product_id": f"p{n}", "price": 249.5, "quantity": 1}}
            visitor.send(rng, "track", time, said, outcome="ignored", name=name)
    if rng.random() < 0.06:
        _banner(rng, visitor, time + 4_000)


def _page(rng: Random, path: str, origin: CameFrom) -> dict[str, Any]:
    page = {"path": path, "referrer": origin.referrer, "search": origin.query, "title": "Garn & strikk – ull",
            "url": HOST + path + origin.query}  # fmt: skip
    context: dict[str, Any] = {
        "page": page,
        "screen": rng.choice(_SCREENS),
        "locale": "nb-NO",
        "timezone": "Europe/Oslo",
    }
    if origin.context:
        context["campaign"] = origin.context
    return {"name": None, "properties": page, "context": context}


def _landing(rng: Random, visitor: Visitor, time: int) -> None:
    origin = words.origin(rng)
    fields = _page(rng, rng.choice(_PATHS), origin)
    if rng.random() < 0.3:
        del fields["context"]["page"]
    elif rng.random() < 0.2:
        fields["properties"] = {}
    kind = "screen" if visitor.style == "app" else "page"
    _touch(visitor, visitor.send(rng, kind, time, fields), Met(time, origin.campaign, origin.network, "visit"))


def _social(rng: Random, visitor: Visitor, time: int) -> None:
    spelt, true, source, network = words.campaign(rng)
    action = rng.choice(("like", "comment", "click", "view", "share"))
    if network == "email":
        source, network = "Facebook", "facebook"
    said = {"action": rng.choice((action, action.upper())), "network": source, "target": "post-3"}
    fields = {"event": rng.choice(("Social Interaction", "social_interaction")), "properties": said,
              "context": {"campaign": {"name": spelt}}}  # fmt: skip
    _touch(visitor, visitor.send(rng, "track", time, fields), Met(time, true, network, action))


def _email(rng: Random, visitor: Visitor, time: int) -> None:
    opened = rng.random() < 0.5
    said = rng.choice(
        ({"campaign_id": "news-10"}, {"campaign_name": "October+newsletter"}, {"campaign": {"id": "Newsletter"}})
    )
    fields = {"event": "Email Opened" if opened else "Email Link Clicked", "properties": {"email_id": "18", **said}}
    met = Met(time, "newsletter", "email", "view" if opened else "click")
    _touch(visitor, visitor.send(rng, "track", time, fields), met)


def _newsletter(rng: Random, visitor: Visitor, time: int) -> None:
    fields = {"event": "newsletter_clicked", "context": {"campaign": {"id": "NEWSLETTER"}}, "properties": {}}
    _touch(visitor, visitor.send(rng, "track", time, fields), Met(time, "newsletter", "email", "click"))


def _shared(rng: Random, visitor: Visitor, time: int) -> None:
    fields = {"event": "Product Shared", "properties": {"share_via": "WhatsApp", "share_message": "fin!"}}
    _touch(visitor, visitor.send(rng, "track", time, fields), Met(time, "(whatsapp)", "whatsapp", "share"))


def _installed(rng: Random, visitor: Visitor, time: int) -> None:
    said = {"provider": "Tune", "campaign": {"source": "Facebook", "name": "AUTUMN-2026", "ad_creative": "red"}}
    sent = visitor.send(rng, "track", time, {"event": "Install Attributed", "properties": said})
    _touch(visitor, sent, Met(time, "autumn", "facebook", "visit"))


def _banner(rng: Random, visitor: Visitor, time: int) -> None:
    """The shop's own campaign: counted, in no journey."""
    said = {"promotion_id": BANNER, "creative": "top"}
    sent = visitor.send(rng, "track", time, {"event": "Promotion Clicked", "properties": said})
    sent.outcome = "no_consent" if visitor.consent is False else "accepted"


def _touch(visitor: Visitor, sent: Sent, met: Met) -> None:
    sent.outcome = "no_consent" if visitor.consent is False else "accepted"
    visitor.meet(met)


_Way = Callable[[Random, Visitor, int], None]
_WAYS: tuple[_Way, ...] = (_landing, _social, _email, _newsletter, _shared, _installed)
_WEIGHTS = (14, 4, 3, 1, 1, 1)
