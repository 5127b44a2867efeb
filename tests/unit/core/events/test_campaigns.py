"""Which campaign words stand for by a catalogue: sentence by sentence."""

import pytest

from streams.core.catalogue.parse import parse
from streams.core.door.canonical import Words
from streams.core.events.campaigns import Campaigns

CAMPAIGNS = Campaigns(
    parse("""
base_currency = "NOK"
[[goal]]
id = "g"
event = "E"
[[campaign]]
id = "autumn"
aliases = ["autumn-2026"]
coupons = ["HOST10"]
[[campaign]]
id = "banner"
coupons = ["INSIDE"]
internal = true
[[campaign]]
id = "fb"
match = { network = "fb", host = "*.facebook.com", path = "/autumn*", medium = "social" }
[[campaign]]
id = "talk"
match = { network = "facebook" }
""")
)
FROM_FACEBOOK = Words(network="facebook", host="m.facebook.com", path="/autumn/shoes", medium="social")


@pytest.mark.parametrize(
    ("words", "campaign"),
    [
        (Words(id="autumn", name="other"), "autumn"),
        (Words(id="x", name="autumn-2026"), "autumn"),  # the one that the catalogue lists
        (Words(id="x", name="y"), "y"),  # names can be read
        (Words(id="x"), "x"),
        (Words(id="x", next_name="autumn"), "x"),
        (Words(coupons=("none", "host10")), "autumn"),
        (Words(id="x", coupons=("host10",)), "x"),
        (FROM_FACEBOOK, "fb"),
        (FROM_FACEBOOK._replace(path="/spring"), "talk"),
        (FROM_FACEBOOK._replace(host="facebook.com"), "talk"),  # a `*` stands for one character or more
        (FROM_FACEBOOK._replace(medium="cpc"), "talk"),
        (Words(network="instagram"), "(instagram)"),
        (Words(network="shop"), ""),
        (Words(id="banner"), "banner"),
        (Words(), ""),
    ],
)
def test_the_campaign_of_a_touch(words: Words, campaign: str) -> None:
    assert CAMPAIGNS.of_touch(words) == campaign


@pytest.mark.parametrize(
    ("words", "campaign", "source"),
    [
        (Words(id="autumn", source="facebook", network="facebook"), "autumn", "(facebook)"),
        (Words(id="banner", coupons=("host10",), source="shop", network="shop"), "autumn", ""),
        (Words(id="banner", source="facebook", network="facebook"), "", ""),  # with its source
        (Words(id="banner", next_id="autumn"), "autumn", ""),
        (Words(id="banner", source="shop", next_id="autumn", next_source="facebook"), "autumn", "(facebook)"),
        (Words(id="autumn", source="facebook", next_id="banner", next_source="shop"), "autumn", "(facebook)"),
        (Words(source="facebook", next_id="banner", next_source="shop"), "", "(facebook)"),
        (Words(id="banner", source="shop", next_id="banner", next_source="facebook"), "", ""),
        (Words(coupons=("inside", "host10")), "autumn", ""),
        (Words(source="facebook", network="facebook"), "", "(facebook)"),
        (Words(network="facebook"), "", ""),  # a referrer is the payment page
        (FROM_FACEBOOK, "", ""),
    ],
)
def test_the_campaign_of_a_checkout_and_that_of_its_source(words: Words, campaign: str, source: str) -> None:
    assert (CAMPAIGNS.of_checkout(words), CAMPAIGNS.source_of_checkout(words)) == (campaign, source)
