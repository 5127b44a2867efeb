"""Touches: what is one, its action, its network and its campaign."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.door.canonical import Ignored, Words
from streams.core.door.context import TouchRule
from streams.core.door.fields import urls
from streams.core.door.networks import BUILT_IN, Hosts
from tests.unit.core.door.said import call, completion, event, faults, order, refused, touch, track

URL = "https://shop.example/autumn"


def page(url: str = "", referrer: str = "", **properties: Any) -> dict[str, Any]:
    return call("page", properties={"url": url, "referrer": referrer} | properties)


def social(properties: Any = None, **context: Any) -> dict[str, Any]:
    return track("Social Interaction", {"action": "click", "network": "fb"} | (properties or {}), context=context)


def test_a_social_interaction() -> None:
    found = touch(social(campaign={"name": "Høst+2026"}))
    assert (found.action, found.words) == ("click", Words(name="høst 2026", network="facebook"))


@pytest.mark.parametrize("action", ["CLICK", " Click ", "reaction", "open", "unlike", "video_view"])
def test_actions_in_any_case(action: str) -> None:
    assert touch(social({"action": action})).action == action.strip().lower()


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"action": "purchase"}, "`properties.action` is"), ({"action": None}, "`properties.action` is missing"),
        ({"network": ""}, "`properties.network` is"), ({"network": None}, "`properties.network` is missing"),
        ({"network": ["x"]}, "`properties.network` is"), ({"action": 5}, "`properties.action` is 5"),
    ],
)  # fmt: skip
def test_a_social_interaction_needs_its_action_and_network(properties: Any, named: str) -> None:
    reason, error = refused(social(properties))
    assert reason == "malformed"
    assert named in error


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (page(f"{URL}?utm_source=FB&utm_campaign=Autumn"), Words(name="autumn", network="facebook")),
        (page(f"{URL}?UTM_Campaign=a%2520b"), Words(name="a%20b")),
        (page(f"{URL}?utm_campaign=&utm_campaign=b&utm_campaign=c"), Words(name="b")),
        (page(f"{URL}?utm_id=17&utm_campaign=b"), Words("17", "b")),
        (page(f"{URL}?utm_source=Paper"), Words(network="paper", path="/autumn")),
        (page(f"{URL}?utm_source=shopmail&utm_medium=E-Mail"), Words(medium="e-mail", network="email", path="/autumn")),
        (page(f"{URL}?utm_source=direct.example&gclid=x"), Words(network="direct.example", path="/autumn")),
        (page(f"{URL}?utm_source=(direct)&gclid=x"), Words(network="google", path="/autumn")),
        (page(f"{URL}?gclid=x&fbclid=y"), Words(network="facebook", path="/autumn")),
        (page(f"{URL}?GCLID=x#?fbclid=y"), Words(network="google", path="/autumn")),
        (page(URL, "https://www.Google.no/search?q=x"), Words(network="search", host="www.google.no", path="/autumn")),
        (page(URL, "https://l.facebook.com:443/"), Words(network="facebook", host="l.facebook.com", path="/autumn")),
        (page(URL, network="poster", coupon="A,b", referrer="https://t.co"),
         Words(coupons=("a", "b"), network="poster", host="t.co", path="/autumn")),
        (page("", search="?utm_campaign=x"), Words(name="x")),
        (page(f"{URL}?a=b", search="?utm_campaign=x", path="/P"), None),
        (page(URL), None), (page(URL, "https://klarna.com/"), None), (page(URL, "https://shop.example/"), None),
        (page(f"{URL}?utm_medium=cpc"), None), (page(f"{URL}?utm_campaign=(not+set)&utm_source=null"), None),
        (page("not an address", "neither"), None), (page(f"{URL}?fbclid="), None),
    ],
)  # fmt: skip
def test_visits(message: Any, words: Words | None) -> None:
    for kind in ("page", "screen"):
        found = event(message | {"type": kind})
        assert found == Ignored(kind) if words is None else touch(message).words == words


def test_the_properties_of_a_page_go_before_its_context() -> None:
    context = {"page": {"url": f"{URL}?utm_campaign=b", "referrer": "https://t.co/"}, "campaign": {"source": "ig"}}
    assert touch(page(f"{URL}?utm_campaign=a") | {"context": context}).words == Words(name="a", network="instagram")
    assert touch(call("page", context=context)).words == Words(name="b", network="instagram")


def test_of_an_event_the_context_goes_first() -> None:
    context = {"page": {"url": f"{URL}?utm_campaign=b"}}
    assert touch(social({"url": f"{URL}?utm_campaign=a"}, **context)).words.name == "b"
    assert touch(social({"url": f"{URL}?utm_campaign=a"})).words.name == "a"


def test_own_hosts_are_no_touch() -> None:
    networks = BUILT_IN.with_words({"portal": ["*.shop.example", "shop.example"]})
    message = page(URL, "https://www.shop.example/")
    assert touch(message, networks=networks).words.network == "portal"
    assert event(message, networks=networks, own_hosts=Hosts(frozenset({"shop.example"}))) == Ignored("page")


@pytest.mark.parametrize(
    ("name", "properties", "action", "words"),
    [
        ("Promotion Viewed", {"promotion_id": "P1"}, "view", Words("p1", network="shop")),
        ("promotion_clicked", {"promotion_id": 5, "network": "ig"}, "click", Words("5", network="instagram")),
        ("Promotion Clicked", {"url": f"{URL}?utm_campaign=c"}, "click", Words(name="c", network="shop")),
        ("Email Opened", {"campaign_id": "i", "campaign_name": "n"}, "view", Words("i", "n", network="email")),
        ("Email Link Clicked", {"campaign": {"name": "N"}}, "click", Words(name="n", network="email")),
        ("Email Link Clicked", {}, "click", Words(network="email")),
        ("Install Attributed", {"campaign": {"name": "N", "source": "fb"}}, "visit",
         Words(name="n", network="facebook")),
        ("Install Attributed", {"network": "fb"}, "visit", Words(network="facebook")),
        ("Deep Link Opened", {"url": f"{URL}?utm_source=tiktok"}, "visit", Words(network="tiktok", path="/autumn")),
        ("Product Shared", {"share_via": "Twitter"}, "share", Words(network="x")),
        ("Cart Shared", {}, "share", Words()),
    ],
)  # fmt: skip
def test_touch_events_of_the_specification(name: str, properties: Any, action: str, words: Words) -> None:
    found = touch(track(name, properties))
    assert (found.action, found.words) == (action, words)


def test_the_networks_are_asked_for_hosts_of_referrers_that_are_sources_too() -> None:
    assert touch(page(f"{URL}?utm_source=m.facebook.com")).words.network == "facebook"


def test_touch_rules_go_before_the_specification_and_after_what_a_goal_counts() -> None:
    rules = {"newsletter clicked": TouchRule("click", "email"), "email opened": TouchRule("open", "")}
    assert touch(track("Newsletter Clicked"), touch=rules).words.network == "email"
    assert touch(track("Email Opened", {"network": "fb"}), touch=rules).words.network == "facebook"
    assert completion(track("Enquiry Sent"), touch={"enquiry sent": TouchRule("click", "")}).event == "enquiry sent"


@pytest.mark.parametrize("name", ["Product Viewed", "Order Cmpleted", "__proto__", "x" * 5000, "Checkout Started"])
def test_another_event_is_ignored_by_name(name: str) -> None:
    assert event(track(name)) == Ignored(name[:64])


def test_the_name_of_an_ignored_event_has_no_control_characters() -> None:
    assert event(track("a\x1b[31m\nb")) == Ignored("a [31m b")


def test_campaign_names_that_are_no_text_are_told() -> None:
    message = social(campaign={"id": None, "name": ["autumn"], "source": {}})
    assert touch(message).words == Words(network="facebook")
    assert faults(message) == ["context.campaign.name", "context.campaign.source"]


def test_a_completion_keeps_both_pairs_and_its_source_apart() -> None:
    context = {
        "campaign": {"id": 7, "source": "ig"},
        "page": {"url": f"{URL}?utm_campaign=c", "referrer": "https://t.co"},
    }
    found = completion(order({"coupon": "X", "network": "fb"}, context=context))
    assert found.words == Words("7", "", "", "c", ("x",), source="instagram", network="facebook")


@given(st.dictionaries(st.sampled_from(sorted(urls.WANTED)), st.text("abc+%C3A5", min_size=1, max_size=5), max_size=5))
def test_parameters_are_taken_raw(said: dict[str, str]) -> None:
    query = "&".join(f"{name.upper()}={value}" for name, value in said.items())
    assert urls.parameters(f"x=1&{query}") == said
    found = urls.query(f"{URL}?x=1&{query}#utm_id=2", "?utm_id=3")
    assert found == urls.query(URL, f"?x=1&{query}")
    assert found[:4] == tuple(said.get(name, "") for name in ("utm_id", "utm_campaign", "utm_source", "utm_medium"))
    assert bool(found.click) == any(not name.startswith("utm_") for name in said)
