"""The door against the naive oracle, where both are functions of one value."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.door.fields.amounts import amount
from streams.core.door.fields.names import event_name, normal
from streams.core.door.fields.times import milliseconds
from streams.core.door.networks import BUILT_IN, Hosts
from tests.oracle.door import amounts as naive_amounts
from tests.oracle.door import fields as naive_fields
from tests.oracle.door import names as naive_names
from tests.oracle.door.networks import Networks

TEXT = st.text() | st.text("aÅ%C3A5+ _-\u00ad\u00a0\t\u0000ẞ\u0301x", max_size=30)
MONEY = st.text("0123456789.,' kr-+\u00a0e", max_size=12) | st.from_regex(
    r"(NOK |kr )?[+-]?[0-9]{1,4}([., '][0-9]{3}){0,2}([.,][0-9]{0,3})?( kr| NOK|,-)?", fullmatch=True
)
TIMES = st.from_regex(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?"
    r"(Z|z|[+-][0-2][0-9]:?[0-6][0-9])?",
    fullmatch=True,
)


@given(TEXT)
@example("%C3%A5%FF+%25")
def test_names(text: str) -> None:
    assert normal(text) == naive_names.name(text)
    assert event_name(text) == naive_names.event_name(text)


@given(MONEY)
@example("1 299.000,00")
@example("1.299,000")
def test_amounts_in_text(text: str) -> None:
    if "kr." not in text:  # passed over here, as Danes and Norwegians write it
        assert amount(json.dumps(text).encode(), "NOK") == naive_amounts.amount(text, "NOK")


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_amounts_as_numbers(text: str) -> None:
    assert amount(text.encode(), "NOK") == naive_amounts.amount(naive_amounts.Number(text), "NOK")


@given(TIMES | st.integers(0, 10**14).map(str))
def test_times_in_text(text: str) -> None:
    if ":60" not in text:  # a leap second is a time here
        assert milliseconds(json.dumps(text).encode()) == naive_fields.time(text)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?(e[0-9])?", fullmatch=True))
def test_times_as_numbers(text: str) -> None:
    assert milliseconds(text.encode()) == naive_fields.time(naive_amounts.Number(text))


LABELS = st.sampled_from(
    ["facebook", "fb", "l", "google", "www", "shop", "example", "com", "no", "x", "mail", "t", "co"]
)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.one_of(HOSTS, HOSTS.map(lambda host: f"*.{host}"), HOSTS.map(lambda host: f"{host}.*"))


@given(HOSTS, st.dictionaries(LABELS, st.lists(PATTERNS, max_size=2), max_size=2), st.lists(PATTERNS, max_size=2))
def test_networks(host: str, added: dict[str, list[str]], own: list[str]) -> None:
    patterns = [pattern for listed in added.values() for pattern in listed]
    if len({p.removeprefix("www.") for p in patterns} | added.keys()) < len(patterns) + len(added):
        return  # one word for two networks: refused where it is read
    networks, naive = BUILT_IN.with_words(added), Networks(added, own)
    if not host.startswith("www."):  # its patterns are asked with and without it here
        assert networks.of(host) == naive.known(host)
        assert networks.named(host) == naive.of_name(host)
        known = "" if Hosts(frozenset(own)).have(host) else networks.of(host)
        assert known == naive.of_referrer(host)
