"""What a message means: which touch, of which campaign, on which network."""

import json
from typing import Any

import pytest

from tests.oracle import attribute
from tests.support.messages import NOON, message, order, page, touch

CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
[[goal]]
id = "installs"
event = "Install Counted"
[[campaign]]
id = "autumn"
name = "Autumn on Facebook"
aliases = ["autumn-2026", "høst"]
coupons = ["HOST10"]
[[campaign]]
id = "paper"
coupons = ["P"]
[[campaign]]
id = "banner"
internal = true
coupons = ["OWN"]
[[campaign]]
id = "blog"
match = { host = "*.blog.example", path = "/autumn*" }
[[campaign]]
id = "ads"
aliases = ["(snapchat)"]
match = { network = "tiktok", medium = "Paid Social" }
"""
SOURCES = """own_hosts = ["shop.example", "*.shop.example", "out.reddit.com"]
[touch]
"Newsletter Clicked" = { action = "click", network = "E-Mail" }
"Poster Seen" = { action = "view" }
[networks]
blog = ["*.blog.example"]
"""
FACEBOOK = "https://l.facebook.com/"


def seen(value: bytes, sources: str | None = SOURCES) -> tuple[str, str, str] | None:
    """The action, network and campaign of the touch that a message is; None where it is ignored."""
    result = attribute(CATALOGUE, [("checkout", value)], sources)
    if result.ignored:
        return None
    assert set(result.outcomes) == {("checkout", "accepted", "")}
    ((_, campaign, network, action),) = result.engagement_counts
    return action, network, campaign


def visit(query: str = "", referrer: str = "", **more: Any) -> bytes:
    return page("p", NOON, f"https://shop.example/autumn{query}", referrer=referrer, **more)


def spec(event: str, **more: Any) -> bytes:
    return message(event, "m", NOON, **more)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (visit(), None),
        (visit("?utm_medium=social&q=1"), None),
        (visit("?utm_source=fb&utm_campaign=H%C3%98ST"), ("visit", "facebook", "autumn")),
        (visit("?UTM_Source=ig"), ("visit", "instagram", "(instagram)")),
        (visit("?utm_source=&utm_source=ig"), ("visit", "instagram", "(instagram)")),
        (visit("?utm_campaign=spring+sale"), ("visit", "", "spring sale")),
        (visit("?utm_campaign=spring%2520sale"), ("visit", "", "spring%20sale")),
        (visit("?utm_id=Autumn&utm_campaign=x"), ("visit", "", "autumn")),
        (visit("?utm_id=1&utm_campaign=x"), ("visit", "", "x")),
        (visit("?utm_id=1"), ("visit", "", "1")),
        (visit("?utm_source=(direct)&utm_campaign=(not%20set)"), None),
        (visit("?utm_source=letter&utm_medium=E-Mail"), ("visit", "email", "(email)")),
        (visit("?utm_source=letter&utm_medium=cpc"), ("visit", "letter", "(letter)")),
        (visit("?utm_source=shop"), ("visit", "shop", "")),
        (visit("?gclid=a&fbclid=b"), ("visit", "facebook", "(facebook)")),
        (visit("?gclid=%20"), ("visit", "google", "(google)")),
        (visit("?fbclid="), None),
        (visit("?mc_eid=1"), ("visit", "email", "(email)")),
        (visit("?sccid=1"), ("visit", "snapchat", "ads")),
        (visit("#?utm_source=fb"), None),
        (visit(search="?utm_source=fb"), ("visit", "facebook", "(facebook)")),
        (visit("?a=1", search="?utm_source=fb"), None),
        (visit(referrer="https://www.google.no/"), ("visit", "search", "(search)")),
        (visit(referrer="https://pay.example/"), None),
        (visit(referrer="https://a.shop.example/"), None),
        (visit(referrer="https://out.reddit.com/"), None),
        (visit(referrer="https://a.blog.example/1"), ("visit", "blog", "blog")),
        (visit("?utm_source=tiktok&utm_medium=paid+social"), ("visit", "tiktok", "ads")),
        (visit("?utm_source=tiktok&utm_medium=organic"), ("visit", "tiktok", "(tiktok)")),
        (visit("?utm_source=fb", FACEBOOK, coupon="P"), ("visit", "facebook", "paper")),
        (visit(campaign={"name": "Autumn 2026"}), ("visit", "", "autumn 2026")),
        (visit(campaign={"name": "AUTUMN-2026", "id": 7}), ("visit", "", "autumn")),
        (visit(campaign={"name": "Autumn on Facebook"}), ("visit", "", "autumn on facebook")),
        (visit("?utm_campaign=autumn", campaign={"name": "new"}), ("visit", "", "new")),
        (visit("?utm_campaign=autumn", campaign={"name": "test"}), ("visit", "", "autumn")),
        (visit("?utm_campaign=banner"), ("visit", "", "banner")),
    ],
)
def test_pages(value: bytes, meant: tuple[str, str, str] | None) -> None:
    assert seen(value) == meant


def test_of_pages_properties_go_before_the_context() -> None:
    def called(kind: str, of_properties: str, of_context: str) -> bytes:
        given = json.loads(visit())
        given["context"] = {"page": {"url": of_context}}
        given["properties"]["url"] = of_properties
        return json.dumps(given | {"type": kind, "event": "Poster Seen"}).encode()

    facebook, instagram = "https://shop.example/?utm_source=fb", "https://shop.example/?utm_source=ig"
    assert seen(called("page", facebook, instagram)) == ("visit", "facebook", "(facebook)")
    assert seen(called("screen", facebook, instagram)) == ("visit", "facebook", "(facebook)")
    assert seen(called("screen", "", instagram)) == ("visit", "instagram", "(instagram)")
    assert seen(called("track", facebook, instagram)) == ("view", "instagram", "(instagram)")
    assert seen(called("track", facebook, "")) == ("view", "facebook", "(facebook)")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (touch("t", NOON, "Autumn", "Click", network=" Facebook "), ("click", "facebook", "autumn")),
        (touch("t", NOON, "", "REACTION", network="fb"), ("reaction", "facebook", "(facebook)")),
        (touch("t", NOON, "", "unlike", network="shop"), ("unlike", "shop", "")),
        (spec("social_interaction", action="open", network="x"), ("open", "x", "(x)")),
        (spec("Promotion Viewed", promotion_id="HØST"), ("view", "shop", "autumn")),
        (spec("Promotion Clicked", promotion_id=7, network="x"), ("click", "x", "7")),
        (spec("Promotion Viewed"), ("view", "shop", "")),
        (spec("Promotion Viewed", campaign={"source": "ig"}), ("view", "instagram", "(instagram)")),
        (spec("Promotion Viewed", promotion_id="", campaign={"name": "a"}), ("view", "shop", "a")),
        (spec("Email Opened", campaign_id="autumn"), ("view", "email", "autumn")),
        (spec("Email Link Clicked", campaign_id="1", campaign_name="høst"), ("click", "email", "autumn")),
        (spec("Email Link Clicked", campaign_id="1", campaign_name="b"), ("click", "email", "b")),
        (spec("Email Link Clicked", campaign={"name": "c"}), ("click", "email", "c")),
        (spec("Email Opened"), ("view", "email", "(email)")),
        (spec("Email Opened", coupon="P"), ("view", "email", "paper")),
        (spec("Install Attributed"), ("visit", "", "")),
        (spec("Deep Link Opened", url="app://a?utm_source=fb"), ("visit", "facebook", "(facebook)")),
        (spec("Product Shared", share_via="FB"), ("share", "facebook", "(facebook)")),
        (spec("Cart Shared"), ("share", "", "")),
        (spec("Newsletter clicked"), ("click", "email", "(email)")),
        (spec("Poster Seen", network="poster"), ("view", "poster", "(poster)")),
        (spec("Product Viewed", campaign={"name": "autumn"}), None),
    ],
)
def test_tracked_touches(value: bytes, meant: tuple[str, str, str] | None) -> None:
    assert seen(value) == meant


def test_the_spec_s_own_campaign_stands_in_properties() -> None:
    given = json.loads(spec("Install Attributed"))
    given["properties"]["campaign"] = {"name": "Autumn", "source": "fb"}
    assert seen(json.dumps(given).encode()) == ("visit", "facebook", "autumn")


def test_what_a_goal_counts_is_no_touch() -> None:
    goal = CATALOGUE.replace("Install Counted", "Install Attributed")
    result = attribute(goal, [("events", spec("Install Attributed"))])
    assert list(result.conversions) == [("installs", "m")]
    assert not result.engagement_counts


def test_an_order_that_no_goal_counts_is_ignored() -> None:
    catalogue = CATALOGUE.replace("Order Completed", "Order Placed")
    assert attribute(catalogue, [("events", order("o", NOON, "1"))]).ignored == {("events", "Order Completed"): 1}


def bought(*touches: bytes, **more: Any) -> tuple[list[str], list[str], str]:
    """The campaigns and networks of an order's journey, and its reason."""
    records = [("events", value) for value in (*touches, order("o", NOON, "o", **more))]
    row = attribute(CATALOGUE, records, SOURCES).conversions["orders", "o"]
    return row["touch_campaign"], row["touch_network"], row["reason"]


@pytest.mark.parametrize(
    ("more", "campaign", "network"),
    [
        ({"campaign": {"name": "høst", "source": "fb"}}, "autumn", "facebook"),
        ({"campaign": {"name": "new"}}, "new", ""),
        ({"coupon": "host10"}, "autumn", ""),
        ({"coupon": "FRI, host10"}, "autumn", ""),
        ({"coupon": ["FRI", " HOST10"]}, "autumn", ""),
        ({"coupons": ["P", "HOST10"]}, "paper", ""),
        ({"coupon": "FRI", "discount_codes": [{"code": "P"}]}, "paper", ""),
        ({"products": [{}, {"coupon": "p"}]}, "paper", ""),
        ({"coupon": "P", "campaign": {"name": "new"}}, "new", ""),
        ({"coupon": "P", "campaign": {"name": "banner", "source": "shop"}}, "paper", ""),
        ({"coupon": "OWN,P"}, "paper", ""),
        ({"coupon": ",".join("12345678") + ",P"}, "", ""),
        ({"coupon": ",".join("1234567") + ",P"}, "paper", ""),
        ({"campaign": {"source": "fb"}}, "(facebook)", "facebook"),
        ({"campaign": {"source": "shop"}}, "", ""),
        ({"campaign": {"name": "banner", "source": "fb"}}, "", ""),
        ({"url": "https://shop.example/?utm_source=ig&utm_campaign=none"}, "(instagram)", "instagram"),
        ({"network": "fb"}, "", ""),
        ({"url": "https://shop.example/?gclid=1", "campaign": {}}, "", ""),
    ],
)
def test_a_checkout_s_own_campaign(more: dict[str, Any], campaign: str, network: str) -> None:
    assert bought(**more) == (([campaign], [network], "") if campaign else ([], [], "no_touch"))


def test_a_checkout_s_source_counts_where_no_touch_of_it_is_seen() -> None:
    mine = touch("t", NOON - 1, "autumn")
    assert bought(mine, campaign={"source": "fb"}) == (["autumn"], ["facebook"], "")
    assert bought(mine, campaign={"source": "ig"})[0] == ["autumn", "(instagram)"]
    assert bought(mine, campaign={"name": "autumn"})[0] == ["autumn"]
    assert bought(mine, campaign={"name": "paper", "source": "fb"})[0] == ["autumn", "paper"]


def test_own_banners_are_counted_and_in_no_journey() -> None:
    assert bought(touch("t", NOON - 1, "banner")) == ([], [], "no_touch")
    assert bought(touch("t", NOON - 1, "banner"), touch("u", NOON - 1, "paper"))[0] == ["paper"]
