"""`sources.toml`: what it says, and what is wrong with it, by its line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue import parse as catalogue_toml
from streams.core.catalogue.readings import readings
from streams.core.door.context import TouchRule
from streams.core.door.fields.spelling import nearly
from streams.core.door.networks import BUILT_IN
from streams.core.door.sources_toml import Sources, SourcesError, parse
from streams.core.parsing.limits import LARGEST, LIMIT

WHOLE = """order_scope = "affiliation"
own_hosts = ["shop.example", "*.shop.example"]
placeholders = ["Gjest"]

[[source]]
topic = "rudder-events"

[[source]]
topic = "shop"
format = "shopify"
scope = "oslo"

[[source]]
topic = "checkout"
max_bytes = 200000

[touch]
"Newsletter_Clicked" = { action = "click", network = "e-mail" }
"Paper Scanned" = { action = "SCAN" }

[consent]
advertising = ["C0004", "Markedsføring"]

[networks]
facebook = ["fb-ads-2", "*.fb.example"]

[collect]
cookie = true
"""

CATALOGUE = catalogue_toml.parse("""
base_currency = "SEK"
[[goal]]
id = "orders"
event = "Order Completed"
where = { new_customer = true, plan = "club" }
[[goal]]
id = "renewals"
event = "renewal_paid"
id_field = "invoice_id"
""")


def test_everything_that_it_says() -> None:
    said = parse(WHOLE)
    assert said.scoped_by_affiliation
    assert said.cookie
    assert said.own_hosts.have("www.shop.example")
    assert said.placeholders == {"gjest"}
    assert said.touch == {
        "newsletter clicked": TouchRule("click", "email"),
        "paper scanned": TouchRule("scan", ""),
    }
    assert said.advertising == {"c0004", "markedsføring"}
    assert said.networks.of("a.fb.example") == said.networks.of("fb-ads-2") == "facebook"
    assert said.networks.of("t.co") == "x"


def test_how_each_topic_is_read() -> None:
    found = readings(CATALOGUE, parse(WHOLE))
    assert list(found) == ["events", "engagement", "checkout", "identity", "rudder-events", "shop"]
    shop, events, checkout = found["shop"], found["events"], found["checkout"]
    assert (shop.format, shop.scope, shop.limit, shop.batch_limit) == ("shopify", "oslo", LIMIT, LARGEST)
    assert (events.format, events.scope, events.limit, events.batch_limit) == ("segment", "", LIMIT, LARGEST)
    assert (checkout.limit, checkout.batch_limit) == (200_000, 200_000)
    assert (found["identity"].limit, found["identity"].batch_limit) == (LIMIT, LIMIT)
    assert events.counted == {"order completed": "Order Completed", "renewal paid": "renewal_paid"}
    assert events.id_fields == ("order_id", "invoice_id")
    assert events.where == ("new_customer", "plan")
    assert events.base_currency == "SEK"
    assert all(reading.scoped_by_affiliation for reading in found.values())


def test_without_the_file_there_are_four_topics() -> None:
    assert parse("") == Sources()
    assert list(readings(CATALOGUE, Sources())) == ["events", "engagement", "checkout", "identity"]
    assert parse("").networks is BUILT_IN


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("order_scope = 'shop'", 1, "order_scope"), ("\nown_hosts = 'x'", 2, "own_hosts"),
        ("x = 1", 1, 'unknown key "x"'),
        ("own_hosts = ['https://shop.example']", 1, "no host"), ("own_hosts = ['*.shop.*']", 1, "no pattern"),
        ("own_hosts = ['*']", 1, "no pattern"), ("own_hosts = ['a*b']", 1, "no pattern"), ("= 1", 1, "not TOML"),
        ("[[source]]\nformat = 'ga4'", 1, "topic is missing"), ("[[source]]\ntopic = 'a b'", 2, "no name of a topic"),
        ("[[source]]\ntopic = 'a'\nformat = 'ga5'", 3, "there is no format"),
        ("[source]\ntopic = 'a'", 1, "[[source]]"),
        ("[[source]]\ntopic = 'a'\n[[source]]\ntopic = 'a'", 4, "twice"),
        ("[[source]]\ntopic = 'costs'", 2, "maalstrom"),
        ("[[source]]\ntopic = 'x.dlq'", 2, "maalstrom"), ("[[source]]\ntopic = 'a'\nscope = 1", 3, "scope is 1"),
        ("[[source]]\ntopic = 'a'\nmax_bytes = 2000000", 3, "max_bytes"),
        ("[[source]]\ntopic='a'\nx=1", 3, "unknown key"),
        ("[[source]]\ntopic = 'a'\nmax_bytes = true", 3, "max_bytes"),
        ("[touch]\nX = { action = 'buy' }", 2, "there is no action"), ("[touch]\nX = 1", 2, "not a table"),
        ("[touch]\nX = { network = 'a' }", 2, "action is missing"),
        ("[touch]\n'' = { action = 'click' }", 2, "meaning"),
        ("[touch]\n'order_completed' = { action = 'click' }", 2, "a meaning of its own"),
        ("[consent]\nadvertising = []", 2, "empty"), ("[consent]\nads = []", 2, "unknown key"),
        ("[networks]\nx = ['a']\ny = ['A']", 3, "belongs to x"), ("[networks]\nx = 'a'", 2, "not a list"),
        ("[networks]\nx = ['*a*']", 2, "no pattern"), ("[collect]\ncookie = 1", 2, "cookie is 1"),
        ("placeholders = [1]", 1, "placeholders"), ("order_scope = true", 1, "order_scope"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(SourcesError) as caught:
        parse(text, "s.toml")
    assert str(caught.value).startswith(f"s.toml:{line}: ")
    assert words in str(caught.value)


VALUES: Any = st.recursive(
    st.sampled_from(["true", "1", "'x'", "'*'", "''", "1.5", "2026-01-01", "'events'", "'shopify'", "'click'"]),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["topic", "action", "network", "format", "x"]), inner, max_size=2).map(
            lambda items: "{" + ", ".join(f"{name} = {value}" for name, value in items.items()) + "}"
        )
    ),
    max_leaves=4,
)
KEYS = ("order_scope", "own_hosts", "placeholders", "source", "touch", "consent", "networks", "collect", "x")


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
def test_whatever_stands_in_it_is_read_or_refused_with_a_line(said: dict[str, str]) -> None:
    text = "\n".join(f"{name} = {value}" for name, value in said.items())
    try:
        readings(CATALOGUE, parse(text))
    except SourcesError as error:
        refused = str(error)
    else:
        refused = ""
    assert not refused or refused.startswith("sources.toml:")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Completed Order", "Order completed"), ("Order Complete", "Order completed"),
        ("OrderCompleted", "Order completed"),
        ("order_completd", "Order completed"), ("purchase", ""), ("Order Completed", ""), ("", ""), ("x" * 5000, ""),
        ("Enquiry sendt", "Enquiry sent"),
    ],
)  # fmt: skip
def test_names_that_nearly_spell_what_a_goal_counts(name: str, meant: str) -> None:
    assert nearly(name, ["Order completed", "Enquiry sent"]) == meant
