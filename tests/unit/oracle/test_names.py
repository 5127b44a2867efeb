"""Names, placeholders, hosts and times."""

import pytest

from tests.oracle.door.amounts import Number
from tests.oracle.door.fields import time
from tests.oracle.door.names import event_name, fits, host_of, is_placeholder, name
from tests.oracle.door.networks import Networks

NOON = 1_793_534_400_000  # 2026-11-01T12:00:00Z


@pytest.mark.parametrize(
    "written",
    [
        *("påske 2026", "PÅSKE 2026", "pa\u030aske 2026", " påske  2026 ", "påske+2026", "p%C3%A5ske%202026"),
        *("p%c3%a5ske 2026", "påske\u00a02026", "på\u200dske\t2026", "på\x00ske\n2026", "\ufeffpåske 2026"),
    ],
)
def test_one_name_in_many_spellings(written: str) -> None:
    assert name(written) == "påske 2026"


@pytest.mark.parametrize(
    ("written", "stays"),
    [
        ("100%", "100%"),
        ("50%zz", "50%zz"),
        ("p%E5ske", "p%e5ske"),  # Latin-1: no UTF-8
        ("%C3%A5%E5", "å%e5"),
        ("%2525", "%25"),  # one pass
        ("%2B", "+"),
        ("påske_2026", "påske_2026"),
        ("Straße", "strasse"),
        ("%", "%"),
        ("", ""),
        ("a\u202eevil", "aevil"),
        ("\x1b]0;title\x07red", "]0;titlered"),
    ],
)
def test_what_stays_as_it_stands(written: str, stays: str) -> None:
    assert name(written) == stays


def test_a_name_has_200_characters_at_most() -> None:
    assert name("x" * 5000) == "x" * 200


@pytest.mark.parametrize("written", ["Order Completed", "order_completed", "ORDER-COMPLETED", "order+completed"])
def test_events_are_spelt_in_more_ways(written: str) -> None:
    assert event_name(written) == "order completed"


def test_words_in_another_order_are_another_event() -> None:
    assert event_name("Completed Order") != event_name("Order Completed")


@pytest.mark.parametrize(
    "id_", ["null", "NULL", "undefined", " None ", "[object Object]", "0", "-1", "(not set)", "Guest", "0" * 8]
)
def test_placeholders(id_: str) -> None:
    assert is_placeholder(id_) == (id_ != "0" * 8)
    assert is_placeholder("00000000-0000-0000-0000-000000000000")
    assert is_placeholder("Gjest", ["gjest"])


@pytest.mark.parametrize(
    ("pattern", "host", "meant"),
    [
        ("shop.example", "shop.example", True),
        ("*.shop.example", "a.b.shop.example", True),
        ("*.shop.example", "shop.example", False),
        ("*.shop.example", ".shop.example", False),
        ("google.*", "google.co.uk", True),
        ("google.*", "google.", False),
        ("google.*", "mail.google.com", False),
    ],
)
def test_patterns(pattern: str, host: str, meant: bool) -> None:
    assert fits(pattern, host) == meant


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://l.facebook.com/", "l.facebook.com"),
        ("https://WWW.Google.com:443/search?q=a", "google.com"),
        ("http://me:secret@t.co", "t.co"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("/about", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_referrer(url: str, host: str) -> None:
    assert host_of(url) == host


def test_networks() -> None:
    networks = Networks({"facebook": ["*.fb.example"], "post": ["Google.com"]}, ["*.shop.example"])
    assert networks.known("fb-ads") == networks.known("a.fb.example") == networks.known("lm.facebook.com") == "facebook"
    assert networks.known("google.com") == "post"  # what is added goes first
    assert networks.known("google.no") == "search"
    assert networks.known("mail.google.com") == "email"  # exact goes before a pattern
    assert networks.known("pay.example") == ""
    assert networks.of_referrer("a.shop.example") == ""
    assert networks.of_source("letter", "e-mail") == "email"
    assert networks.of_source("fb", "email") == "facebook"
    assert networks.of_name("x" * 70) == "x" * 64
    assert networks.of_click({"gclid": "a", "fbclid": "b"}) == "facebook"
    assert networks.of_click({"gclid": ""}) == ""


@pytest.mark.parametrize(
    "written",
    [
        *("2026-11-01T12:00:00Z", "2026-11-01 12:00:00.0009Z", "2026-11-01T13:00:00+01:00", "2026-11-01t13:00:00+0100"),
        *("2026-11-01T02:30:00.000-09:30", "2026-11-01T11:59:60Z", "1793534400", "1793534400000"),
        *(Number("1793534400"), Number("1793534400.0009"), Number("1793534400000.5"), Number("17935344e2")),
    ],
)
def test_one_moment(written: str) -> None:
    assert time(written) == NOON


@pytest.mark.parametrize(
    "written",
    [
        *("", "yesterday", "2026-11-01T12:00:00", "2026-02-30T12:00:00Z", "2026-11-01T12:00:00+25:00", "2026-11-01"),
        *("-5", "1.5", Number("-1"), Number("1e400"), Number("99999999999999"), True, None, [], {}),
    ],
)
def test_no_moment(written: object) -> None:
    assert time(written) is None


def test_seconds_end_where_milliseconds_begin() -> None:
    assert time(Number("100000000000")) == 100_000_000_000
    assert time(Number("4294967295")) == 4_294_967_295_000
