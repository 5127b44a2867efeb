"""Engagement by the campaigns of today: the tables keep the word that was written, views map it by the catalogue."""

import pytest

from streams.core.catalogue.parse import parse
from streams.sinks.clickhouse.catalogue import write_catalogue
from streams.sinks.clickhouse.client import Client

GOAL = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "Order Completed"\n'
CAMPAIGN = '[[campaign]]\nid = "Autumn"\naliases = ["Høst+2026", "(tiktok)"]\n'
SHOWN = "SELECT toString(campaign) AS c, sum(events) AS n FROM {} GROUP BY c ORDER BY c"
PEOPLE = "SELECT toString(campaign) AS c, users AS n FROM {} ORDER BY c"


@pytest.fixture
def engaged(emptied: Client) -> Client:
    """Three names as they were written, each of 10 to 12 people, 10 of whom are the same."""
    for n, name in enumerate(("autumn", "høst 2026", "spring"), 10):
        given = {"campaign": name, "n": n}
        emptied.command(
            "INSERT INTO engagement_seen SELECT '2026-11-01', {campaign:String}, 'x', number + 1 "
            "FROM numbers({n:UInt32})",
            given,
        )
        emptied.command(
            "INSERT INTO engagement_counts (window_start, campaign, network, action, events, version) "
            "SELECT '2026-11-01', {campaign:String}, 'x', 'click', {n:UInt32}, 1",
            given,
        )
    return emptied


def by_campaign(client: Client, query: str, table: str) -> dict[str, int]:
    return {row["c"]: row["n"] for row in client.query(query.format(table))}


def test_an_alias_that_the_catalogue_has_today_maps_what_was_written_before(engaged: Client) -> None:
    written = {"autumn": 10, "høst 2026": 11, "spring": 12}
    write_catalogue(engaged, parse(GOAL))
    assert by_campaign(engaged, SHOWN, "engagement_counts_now") == written
    assert by_campaign(engaged, PEOPLE, "engagement_users_now") == written
    write_catalogue(engaged, parse(GOAL + CAMPAIGN))
    assert by_campaign(engaged, SHOWN, "engagement_counts_now") == {"Autumn": 21, "spring": 12}
    assert by_campaign(engaged, PEOPLE, "engagement_users_now") == {"Autumn": 11, "spring": 12}
    assert by_campaign(engaged, SHOWN, "engagement_counts") == written
    write_catalogue(engaged, parse(GOAL))
    assert by_campaign(engaged, SHOWN, "engagement_counts_now") == written


def test_who_may_be_shown_by_name_is_asked_of_the_campaign_of_today(engaged: Client) -> None:
    write_catalogue(engaged, parse(GOAL + CAMPAIGN))
    assert by_campaign(engaged, SHOWN, "engagement_counts_shown") == {"Autumn": 21, "spring": 12}
