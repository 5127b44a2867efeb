"""The door against the oracle, message by message: what each takes it for, and what each leaves out."""

from hypothesis import HealthCheck, given, settings

from streams.core.door.context import ADVERTISING, Reading, TouchRule
from streams.core.door.networks import BUILT_IN, Hosts
from streams.core.parsing.limits import LARGEST, LIMIT
from tests.oracle.settings import Catalogue, Sources
from tests.support.door.door_sides import by_the_door, by_the_oracle
from tests.support.site.site_streams import Stream, site_streams
from tests.support.site.site_words import CATALOGUE, SOURCES

ORACLE = Catalogue(CATALOGUE), Sources(SOURCES)
NETWORKS = BUILT_IN.with_words({"facebook": ["fb.example", "*.fb.example"], "blog": ["*.blog.example"]})
# Words of consent by nobody, an `alias` of one id, a number as an event's name, what is too long and no JSON either.
UNSETTLED = {("consent", "ignored"), ("dead letter", "ignored"), ("ignored", "dead letter"), ("dead letter",) * 2}
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def reading(topic: str) -> Reading:
    """What CATALOGUE and SOURCES say of a topic."""
    return Reading(
        counted={"order completed": "Order Completed", "lead sent": "Lead Sent"},
        id_fields=("invoice_id", "messageId", "order_id"),
        where=("new_customer", "size"),
        scope="till" if topic == "till" else "",
        batch_limit=LARGEST if topic == "events" else LIMIT,
        scoped_by_affiliation=True,
        touch={"newsletter clicked": TouchRule("click", "email")},
        advertising=ADVERTISING - {"marketing", "targeting"} | {"markedsføring"},
        placeholders=frozenset({"gjest"}),
        networks=NETWORKS,
        own_hosts=Hosts(frozenset({"shop.example", "*.shop.example"})),
    )


@slow
@given(site_streams(conflicts=True))
def test_the_door_takes_messages_for_what_they_are(stream: Stream) -> None:
    for topic, value in stream:
        pairs = zip(by_the_door(reading(topic), value), by_the_oracle(*ORACLE, topic, value), strict=True)
        for found, wanted in pairs:
            assert found == wanted or (found[0], wanted[0]) in UNSETTLED, value
