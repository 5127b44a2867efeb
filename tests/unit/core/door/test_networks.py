"""Networks: names, sources and hosts to what they are called."""

import pytest

from streams.core.door.networks import BUILT_IN, Hosts, fits


@pytest.mark.parametrize(
    ("word", "network"),
    [
        ("fb", "facebook"), ("fb-ads", "facebook"), ("facebook_ads", "facebook"), ("meta", "facebook"),
        ("facebook", "facebook"), ("ig", "instagram"), ("insta", "instagram"), ("twitter", "x"), ("yt", "youtube"),
        ("e-mail", "email"), ("mail", "email"), ("email", "email"), ("m.facebook.com", "facebook"),
        ("www.facebook.com", "facebook"), ("t.co", "x"), ("lnkd.in", "linkedin"), ("google.no", "search"),
        ("www.google.co.uk", "search"), ("google.", ""), ("google", ""), ("news.google.com", ""),
        ("mail.google.com", "email"), ("web.whatsapp.com", "whatsapp"), ("klarna.com", ""), ("", ""),
        ("notfacebook.com", ""), ("www.", ""), ("search", "search"), ("kvasir.no", "search"),
    ],
)  # fmt: skip
def test_built_in(word: str, network: str) -> None:
    assert BUILT_IN.of(word) == network


def test_an_unknown_name_is_its_own() -> None:
    assert BUILT_IN.named("newsletter") == "newsletter"
    assert BUILT_IN.named("x" * 100) == "x" * 64
    assert BUILT_IN.named("fb") == "facebook"


def test_what_is_added_goes_first_exact_before_pattern_longer_before_shorter() -> None:
    networks = BUILT_IN.with_words({
        "Meta": ["fb", "*.fb.example"],
        "long": ["*.ads.fb.example"],
        "exact": ["one.ads.fb.example", "WWW.avis.example"],
    })  # fmt: skip
    assert networks.of("fb") == "meta"
    assert networks.of("meta") == "meta"
    assert networks.of("facebook.com") == "facebook"
    assert networks.of("a.fb.example") == "meta"
    assert networks.of("fb.example") == ""
    assert networks.of("a.ads.fb.example") == "long"
    assert networks.of("one.ads.fb.example") == "exact"
    assert networks.of("avis.example") == networks.of("www.avis.example") == "exact"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*.shop.example", "a.shop.example", True), ("*.shop.example", "a.b.shop.example", True),
        ("*.shop.example", ".shop.example", False), ("google.*", "google.co.uk", True), ("google.*", "google.", False),
        ("/autumn*", "/autumn/lamps", True), ("/autumn*", "/autumn", False), ("x.no", "x.no", True),
        ("x.no", "y.x.no", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


def test_own_hosts() -> None:
    hosts = Hosts(frozenset({"shop.example", "*.shop.example", "www.other.example"}))
    assert all(map(hosts.have, ("shop.example", "www.shop.example", "pay.shop.example", "other.example")))
    assert not any(map(hosts.have, ("myshop.example", "shop.example.evil", "")))
    assert Hosts(frozenset({"*.shop.example"})).have("www.shop.example")
