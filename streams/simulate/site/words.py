"""What the simulated shop's messages say: how campaigns and networks are written, and the two files that read them."""

from datetime import date
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from streams.simulate.campaigns import DESK, EFFORTS, SHOP, catalogue_text

HOST = "https://shop.example"
BANNER, BLOG = "banner", "blog"  # the shop's own campaign, and one that is told by its host
SOURCES = f"""own_hosts = ["shop.example", "*.shop.example"]
placeholders = ["gjest"]

[touch]
"Newsletter Clicked" = {{ action = "click", network = "email" }}

[consent]
advertising = ["advertising", "C0004", "markedsføring"]

[networks]
{BLOG} = ["*.blog.example"]
"""
MORE = f"""
[[campaign]]
id = "{BANNER}"
name = "The banner in the shop"
means = "shop"
internal = true

[[campaign]]
id = "{BLOG}"
name = "Knitting blogs"
means = "social"
match = {{ host = "*.blog.example" }}
"""
_WEB = tuple(effort for effort in EFFORTS if effort.causes == SHOP and effort.means in ("social", "search", "email"))
_SOURCES = {
    "facebook": ("facebook", "fb", "Meta", "Facebook", "fb-ads"),
    "instagram": ("ig", "instagram", "Instagram"),
    "tiktok": ("tiktok", "TikTok"),
    "search": ("search",),
    "email": ("email", "newsletter", "e-mail"),
}
_CLICKS = (
    ("fbclid", "facebook"),
    ("gclid", "google"),
    ("msclkid", "bing"),
    ("ttclid", "tiktok"),
    ("epik", "pinterest"),
)
_REFERRERS = (
    ("https://www.google.com/", "search"), ("https://l.facebook.com/", "facebook"), ("https://t.co/aB3", "x"),
    ("https://duckduckgo.com/", "search"), ("android-app://m.facebook.com/", "facebook"),
    ("https://www.linkedin.com/feed/", "linkedin"),
)  # fmt: skip
_UNLISTED = (("Black Week 24", "black week 24"), ("vår_2026", "vår_2026"), ("spring%2Dsale", "spring-sale"))
WINDOWS = {  # ms by goal and class, as the catalogue has them
    "new-customers": {"click": 7, "engage": 1, "view": 1},
    "orders": {"click": 14, "engage": 3, "view": 1},
    "enquiries": {"click": 7, "engage": 1, "view": 1},
}
GOALS_OF = {SHOP: ("new-customers", "orders"), DESK: ("enquiries",)}


class CameFrom(NamedTuple):
    """Where somebody comes from: what the page's query, its referrer and the context's campaign say of it, and what
    it truly is."""

    query: str
    referrer: str
    context: dict[str, Any]
    campaign: str
    network: str


def catalogue(start: date, days: int) -> str:
    """The catalogue (TOML): that of the town, the shop's own banner and the blogs; deadlines after the last refund."""
    return catalogue_text(start, days) + MORE


def origin(rng: Random) -> CameFrom:
    """Any way in which a visit says where it comes from."""
    return rng.choices((_tagged, _in_context, _click, _referred, _sourced, _blog), (8, 3, 2, 4, 1, 1))[0](rng)


def campaign(rng: Random) -> tuple[str, str, str, str]:
    """A campaign as somebody writes it, its network's name and its medium as they are written, and the true two."""
    if rng.random() < 0.08:
        written, true = rng.choice(_UNLISTED)
        return written, true, "linkedin", "linkedin"
    effort = rng.choice(_WEB)
    network = rng.choice(effort.networks)
    names = effort.id, effort.id.upper(), effort.name, *effort.aliases
    return rng.choice(names), effort.id, rng.choice(_SOURCES[network]), network


def _tagged(rng: Random) -> CameFrom:
    written, true, source, network = campaign(rng)
    spelt = written if "%" in written else rng.choice((quote, quote_plus))(written)
    medium = "email" if network == "email" else rng.choice(("paid", "cpc", "social"))
    parts = [f"utm_source={quote(source)}", f"utm_medium={medium}", f"utm_campaign={spelt}", "utm_id="]
    if network == "facebook":
        parts.append(f"fbclid=IwAR{rng.getrandbits(60):x}")
    rng.shuffle(parts)
    return CameFrom("?" + "&".join(parts), rng.choice(("", "https://l.facebook.com/")), {}, true, network)


def _in_context(rng: Random) -> CameFrom:
    written, true, source, network = campaign(rng)
    medium = "email" if network == "email" else "paid"
    said = {rng.choice(("id", "name")): written, "source": source, "medium": medium, "content": "a"}
    return CameFrom("", "", said, true, network)


def _click(rng: Random) -> CameFrom:
    name, network = rng.choice(_CLICKS)
    return CameFrom(f"?{name}={rng.getrandbits(64):x}", "", {}, f"({network})", network)


def _referred(rng: Random) -> CameFrom:
    referrer, network = rng.choice(_REFERRERS)
    return CameFrom("", referrer, {}, f"({network})", network)


def _sourced(rng: Random) -> CameFrom:
    return CameFrom("?utm_source=Pinterest", "", {}, "(pinterest)", "pinterest")


def _blog(rng: Random) -> CameFrom:
    return CameFrom("", f"https://{rng.choice(('wool', 'knit'))}.blog.example/post/3", {}, BLOG, BLOG)
