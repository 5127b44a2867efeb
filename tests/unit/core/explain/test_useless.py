"""What a catalogue and sources say in vain is told, with its line."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue.model import Match
from streams.core.catalogue.parse import parse
from streams.core.door.canonical import Words
from streams.core.events.campaigns import fits
from streams.core.explain import useless_catalogue, useless_sources

HEAD = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "Order Completed"\n'
TODAY = date(2026, 11, 2)


def told(text: str) -> list[str]:
    """What is useless in a catalogue, each with its line."""
    return [f"{line}: {said}" for line, said in useless_catalogue.useless(text, parse(text), TODAY)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("target = 3\nby = 2026-11-02\nwhere = { plan = 1, new_customer = true }", []),
        ("target = 3\nby = 2026-11-01", ["6: goal \"g\": its deadline 2026-11-01 is over; set by to a later day, or "
                                         "leave it out"]),
        ("by = 2026-12-01", ['5: goal "g": by without a target says nothing; add target = …']),
        ("where = { new_customer = 1 }", ['5: goal "g": new_customer is read as true or false, so the goal is never '
                                          "reached; write it so"]),
        ('windows = { click = "0s", engage = "0s", view = "0d" }',
         ['5: goal "g": windows of no length leave every conversion without a touch']),
        ('[[goal]]\nid = "h"\nevent = "order_completed"', ['5: goal "h": it counts the same as goal "g"']),
        ('[[goal]]\nid = "h"\nevent = "Email Opened"',
         ['7: goal "h": "Email Opened" is a touch; while a goal counts it, it is none']),
        ('[[goal]]\nid = "h"\nevent = "Completed Order"',
         ['7: goal "h": "Completed Order" is counted as it is spelt; did you mean "Order Completed"?']),
        ('[[campaign]]\nid = "a"\nend = 2026-11-01', ['7: campaign "a": it ended on 2026-11-01']),
        ('[[campaign]]\nid = "a"\naliases = ["b", "A"]\ncoupons = ["x", "X"]',
         ['7: campaign "a": "A" in aliases is the same name as the id "a"',
          '8: campaign "a": "X" in coupons is the same name as "x" before it']),
        ('[[campaign]]\nid = "(direct)"\naliases = ["Unknown"]',
         ['6: campaign "(direct)": "(direct)" is nobody\'s name: messages that say so count as without a campaign',
          '7: campaign "(direct)": "Unknown" is nobody\'s name: messages that say so count as without a campaign']),
        ('[[campaign]]\nid = "a"\nmatch = { path = "/a*" }\n[[campaign]]\nid = "b"\nmatch = { path = "/ab*" }',
         ['10: campaign "b": its match never fits: "a" before it takes all; put it first']),
        ('[[campaign]]\nid = "a"\nmatch = { path = "/ab*" }\n[[campaign]]\nid = "b"\nmatch = { path = "/a*" }', []),
        ('[[campaign]]\nid = "a"\ncoupons = ["a,b", "c"]\nmatch = { host = "https://fb.me/", path = "autumn" }',
         ['7: campaign "a": the coupon "a,b" never fits: messages part theirs at commas; write each by itself',
          '8: campaign "a": "autumn" never fits: a path begins with / and has no query, such as "/autumn*"',
          '8: campaign "a": "https://fb.me/" never fits: write the host alone, such as "facebook.com"']),
        ('[[campaign]]\nid = "a"\nmatch = { path = "/autumn?x=1" }',
         ['7: campaign "a": "/autumn?x=1" never fits: a path begins with / and has no query, such as "/autumn*"']),
        ('[[campaign]]\nid = "a"\nmatch = { host = "blog.example" }',
         ['7: campaign "a": visits from blog.example are no touches unless [networks] of sources.toml lists it']),
        ('[[campaign]]\nid = "a"\nend = 2026-11-01\n[[holdout]]\ncampaign = "a"\nshare = 0.5\nsalt = "s"',
         ['7: campaign "a": it ended on 2026-11-01', '9: holdout of "a": the campaign ended on 2026-11-01']),
        ('[[campaign]]\nid = "a"\nend = 2026-11-01\n[[link]]\ncampaign = "a"\ncode = "c"\nto = "https://a.no"',
         ['7: campaign "a": it ended on 2026-11-01', '9: link "c": its campaign ended on 2026-11-01']),
        ('[[campaign]]\nid = "a"\ninternal = true\n[[link]]\ncampaign = "a"\ncode = "c"\nto = "https://a.no"',
         ['9: link "c": its campaign is internal: who follows it is counted, and in no journey']),
        ('[[campaign]]\nid = "å"\n[[link]]\ncampaign = "Å"\ncode = "c"\nto = "https://a.no/?utm_campaign=b&utm_id=%C3%85"',
         []),
        ('[[campaign]]\nid = "å"\n[[link]]\ncampaign = "Å"\ncode = "c"\nto = "https://a.no/?utm_campaign=b"',
         ['10: link "c": its address names the campaign "b", and its visits are of that one']),
    ],
)  # fmt: skip
def test_a_catalogue_is_told_what_is_useless(text: str, found: list[str]) -> None:
    assert told(HEAD + text) == found


PATTERNS = st.tuples(st.text("/ab", max_size=3), st.sampled_from(["", "*"]), st.text("ab", max_size=2)).map("".join)
HOSTS = st.sampled_from(["", "*.b.com", "a.b.com", "*.a.b.com", "b.*", "b.com"])
MATCHES = st.builds(Match, st.sampled_from(["", "x", "y"]), HOSTS, PATTERNS, st.sampled_from(["", "cpc"]))
WORDS = st.builds(
    Words,
    network=st.sampled_from(["", "x", "y"]),
    host=st.sampled_from(["", "a.b.com", "c.a.b.com", "b.com", "b.no"]),
    path=st.text("/ab", max_size=6),
    medium=st.sampled_from(["", "cpc"]),
)


@given(MATCHES, MATCHES, WORDS)
def test_what_fits_a_match_that_is_covered_fits_the_one_that_covers_it(one: Match, other: Match, words: Words) -> None:
    if useless_catalogue.covers(one, other) and fits(other, words):
        assert fits(one, words)


@given(MATCHES)
def test_a_match_covers_itself(match: Match) -> None:
    assert useless_catalogue.covers(match, match)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('own_hosts = ["*.shop.example", "a.shop.example"]', ['"a.shop.example" is among own_hosts already']),
        ('own_hosts = ["a.no", "A.no"]', ['"a.no" is among own_hosts already']),
        ('placeholders = ["gjest", "GUEST"]', ['"GUEST" is a placeholder without this']),
        ('[[source]]\ntopic = "events"', ['topic "events" is read so without this']),
        ('[[source]]\ntopic = "events"\nscope = "a"', []),
        ('[touch]\n"Bought" = { action = "open" }', ['a goal counts "Bought", so it is no touch']),
        ('[touch]\n"X" = { action = "unlike" }', ['"X" undoes something: it is counted, and in no journey']),
        ('[touch]\n"X y" = { action = "open" }\nx_y = { action = "open" }',
         ['"x_y" is the same name as "X y", and goes before it']),
        ('[networks]\nfacebook = ["facebook.com", "ours"]', ['"facebook.com" is of facebook without this']),
        ('[consent]\nadvertising = ["advertising", "Marketing", "targeting", "c0004"]',
         ["advertising says what is built in"]),
        ('[consent]\nadvertising = ["marketing"]', []),
    ],
)  # fmt: skip
def test_sources_are_told_what_is_useless(text: str, found: list[str]) -> None:
    assert [each.text for each in useless_sources.useless(text, ["bought"])] == found
