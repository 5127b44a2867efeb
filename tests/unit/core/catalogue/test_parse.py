"""What a catalogue says, and how a bad one is refused: with its file, line, fault and remedy."""

from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.catalogue.parse import Campaign, CatalogueError, Goal, Match, ShortLink, Windows, duration, parse

DAY = 86_400_000
FULL = """base_currency = "NOK"

[[goal]]
id = "new-customers"
name = "100 new customers in the shop"
event = "Order Completed"          # the checkout event that counts
where = { new_customer = true }
unit = "customers"
target = 100
by = 2026-12-31
value = "revenue"
windows = { click = "30d", engage = "36h" }

[[goal]]
id = "enquiries"
event = "Enquiry Answered"
value = 28.30

[[campaign]]
id = "Autumn"
name = "Autumn on Facebook"
means = "social"
aliases = ["autumn-2026", "høst"]
coupons = ["HOST10"]
start = 2026-10-01
end = 2026-12-01

[[campaign]]
id = "leaflet"
"""
CATALOGUE = parse(FULL)
HEAD = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "E"\n'


def test_every_field_of_a_goal_is_read() -> None:
    assert CATALOGUE.base_currency == "NOK"
    assert CATALOGUE.goals[0] == Goal(
        id="new-customers",
        name="100 new customers in the shop",
        event="Order Completed",
        where={"new_customer": True},
        unit="customers",
        target=Decimal(100),
        by=date(2026, 12, 31),
        value=None,
        windows=Windows(click=30 * DAY, engage=36 * 3_600_000, view=DAY),
    )


def test_a_goal_has_defaults_and_a_fixed_value_is_in_millionths() -> None:
    expected = Goal(
        id="enquiries",
        name="enquiries",
        event="Enquiry Answered",
        where={},
        unit="conversions",
        target=None,
        by=None,
        value=28_300_000,
        windows=Windows(click=7 * DAY, engage=DAY, view=DAY),
    )
    assert CATALOGUE.goals[1] == expected


def test_campaigns_are_read() -> None:
    autumn = Campaign(
        id="Autumn",
        name="Autumn on Facebook",
        means="social",
        aliases=("autumn-2026", "høst"),
        coupons=("HOST10",),
        start=date(2026, 10, 1),
        end=date(2026, 12, 1),
    )
    assert CATALOGUE.campaigns == (autumn, Campaign("leaflet", "leaflet", "other", (), (), None, None))


def test_what_the_catalogue_counts_and_how_far_back() -> None:
    assert CATALOGUE.events == {"Order Completed", "Enquiry Answered"}
    assert CATALOGUE.longest_window == 30 * DAY


@pytest.mark.parametrize(
    ("called", "campaign"),
    [
        ("AUTUMN", "Autumn"),
        ("  HØST ", "Autumn"),
        ("ho\u0308st".replace("o\u0308", "ø"), "Autumn"),
        ("autumn%2D2026", "Autumn"),
        ("Autumn on Facebook", "autumn on facebook"),  # a name is for people
        ("Straße", "strasse"),
    ],
)
def test_the_campaign_that_somebody_calls_so(called: str, campaign: str) -> None:
    assert CATALOGUE.named(called) == campaign


def test_a_coupon_compares_as_names_do_and_the_first_that_a_campaign_has_counts() -> None:
    assert CATALOGUE.of_coupons(["unknown", "host10"]) == "Autumn"
    assert CATALOGUE.of_coupons(["unknown"]) == ""


def test_a_goal_may_name_its_id_and_a_campaign_what_fits_it_without_a_name() -> None:
    catalogue = parse(
        HEAD + 'id_field = "invoice_id"\n[[campaign]]\nid = "banner"\ninternal = true\n[[campaign]]\nid = "fb"\n'
        'match = { network = "Facebook ", host = "*.Facebook.com", path = "/autumn*", medium = "Social" }\n'
    )
    assert catalogue.goals[0].id_field == "invoice_id"
    assert catalogue.id_fields == ("invoice_id",)
    assert catalogue.internal == {"banner"}
    assert catalogue.campaigns[1].match == Match("facebook", "*.facebook.com", "/autumn*", "social")


def test_links_are_read_and_a_time_zone() -> None:
    text = 'timezone = "Europe/Oslo"\n' + AUTUMN + LINK.replace('"paper"', '"HØST"') + 'action = "visit"\n'
    catalogue = parse(text)
    assert catalogue.timezone == "Europe/Oslo"
    assert catalogue.links == (ShortLink("poster", "https://shop.example/a?b=c", "Autumn", "poster", "visit"),)
    assert parse(AUTUMN + LINK).links[0].action == "scan"
    assert parse(HEAD).timezone == "UTC"


def test_where_takes_every_scalar() -> None:
    catalogue = parse(HEAD + 'where = { shop = "Oslo", level = 2, share = 0.5, new = false }\n')
    assert catalogue.goals[0].where == {"shop": "Oslo", "level": 2, "share": 0.5, "new": False}


def test_a_fixed_value_is_rounded_half_even_to_six_places() -> None:
    values = [parse(HEAD + f"value = {value}\n").goals[0].value for value in ("2.0000005", "2.0000015", "0", "1e3")]
    assert values == [2_000_000, 2_000_002, 0, 1_000_000_000]


@pytest.mark.parametrize(
    ("text", "length"), [("0s", 0), ("90s", 90_000), ("5m", 300_000), ("36h", 129_600_000), ("36500d", 36_500 * DAY)]
)
def test_durations(text: str, length: int) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "7", "d", "7D", "-7d", "1.5d", "7 d", "7d\n", "٣d", "36501d", "9" * 30 + "s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write a whole number"):
        duration(text)


@given(st.text())
def test_a_duration_is_a_number_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert duration(text) >= 0


AUTUMN = HEAD + '[[campaign]]\nid = "Autumn"\naliases = ["høst"]\n[[campaign]]\nid = "paper"\n'  # nine lines
LINK = '[[link]]\ncode = "poster"\nto = "https://shop.example/a?b=c"\ncampaign = "paper"\nnetwork = "poster"\n'
HELD = '[[holdout]]\ncampaign = "HØST"\nshare = 0.10\nsalt = "s"\n'


def test_a_holdout_names_a_campaign_by_any_of_its_names() -> None:
    (holdout,) = parse(AUTUMN + HELD).holdouts
    assert (holdout.campaign.id, holdout.share, holdout.salt) == ("Autumn", Decimal("0.1"), "s")
    assert parse(AUTUMN).holdouts == ()


def counting(*goals: str) -> list[bool]:
    """Which of those goals count for the return; each is an event and a line."""
    parts = (f'[[goal]]\nid = "g{n}"\nevent = {goal}\n' for n, goal in enumerate(goals))
    return [goal.counts_for_return for goal in parse('base_currency = "NOK"\n' + "".join(parts)).goals]


@pytest.mark.parametrize(
    ("goals", "counts"),
    [
        (('"Order Completed"', '"Order Completed"', '"Enquiry Answered"'), [True, False, True]),
        (('"Order Completed"', '"order_completed"'), [True, False]),
        (('"E"\ncounts_for_return = false', '"E"\ncounts_for_return = true'), [False, True]),
        (('"E"', '"E"\ncounts_for_return = true'), [False, True]),
        (('"E"\ncounts_for_return = false', '"E"', '"E"'), [False, True, False]),
        (('"E"\ncounts_for_return = true', '"E"\ncounts_for_return = true'), [True, True]),
    ],
)
def test_one_goal_of_an_event_counts_for_the_return(goals: tuple[str, ...], counts: list[bool]) -> None:
    assert counting(*goals) == counts


def test_whether_a_goal_counts_for_the_return_is_true_or_false() -> None:
    with pytest.raises(CatalogueError, match=r'catalogue.toml:5: counts_for_return is "yes", neither true nor false'):
        parse(HEAD + 'counts_for_return = "yes"\n')


def test_rates_are_units_of_the_base_currency_for_one_of_another() -> None:
    text = HEAD + '[rates]\nEUR = "11.60"\nusd = 10.5\n'
    assert parse(text).rates == {"EUR": Decimal("11.6"), "USD": Decimal("10.5")}
    assert parse(HEAD).rates == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('NOK = "1"', '"NOK" is no other currency; write the code of one that is not NOK'),
        ('euro = "1"', '"euro" is no other currency'),
        ('EUR = "11,60"', "not an amount of 0 or more .*; write how many NOK one EUR is, such as EUR ="),
        ("EUR = 0", "EUR is 0, not above 0"),
        ("EUR = -1", "not an amount"),
    ],
)
def test_rates_that_cannot_be_are_refused_with_their_line(line: str, says: str) -> None:
    with pytest.raises(CatalogueError, match=f"catalogue.toml:6: .*{says}"):
        parse(f"{HEAD}[rates]\n{line}\n")
