"""Where a link sends people: its own address and no other, with what the shop's page needs to know."""

import re
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from streams.collector.visits import landing
from streams.core.catalogue.model import ShortLink
from streams.core.catalogue.parse import CatalogueError, parse
from streams.core.door.fields import urls
from streams.core.door.fields.names import normal

UTM = "utm_campaign=autumn&utm_source=poster&utm_medium=scan"
HEAD = 'base_currency = "NOK"\n[[goal]]\nid = "g"\nevent = "E"\n[[campaign]]\nid = "autumn"\n'


def link(to: str, campaign: str = "autumn", network: str = "poster") -> ShortLink:
    return ShortLink("c", to, campaign, network, "scan")


@pytest.mark.parametrize(
    ("to", "landed"),
    [
        ("https://shop.example", f"https://shop.example?{UTM}"),
        ("https://shop.example/a", f"https://shop.example/a?{UTM}"),
        ("https://shop.example/a?", f"https://shop.example/a?{UTM}"),
        ("https://shop.example/a?b=c", f"https://shop.example/a?b=c&{UTM}"),
        ("https://shop.example/a?b=c&", f"https://shop.example/a?b=c&{UTM}"),
        ("https://shop.example/a?b=c#d", f"https://shop.example/a?b=c&{UTM}#d"),
        ("https://shop.example/a#/b?c=d", f"https://shop.example/a?{UTM}#/b?c=d"),
        ("https://shop.example/a#", f"https://shop.example/a?{UTM}#"),
        ("https://shop.example/a?b=%2F%20&c=+d", f"https://shop.example/a?b=%2F%20&c=+d&{UTM}"),
        (
            "https://shop.example/?UTM_Source=paper&utm_medium=",
            "https://shop.example/?UTM_Source=paper&utm_medium=&utm_campaign=autumn&utm_medium=scan",
        ),
        ("https://blåbær.no:80/ø?q=æ#å", f"https://xn--blbr-roah.no:80/%C3%B8?q=%C3%A6&{UTM}#%C3%A5"),
    ],
)
def test_utm_are_added_to_the_query_of_an_address(to: str, landed: str) -> None:
    assert landing.with_utm(link(to)) == landed


def test_what_a_header_may_carry_is_sent_as_it_is_written() -> None:
    to = "https://shop.example/a%2Fb/../c?d=[e]&f=%zz#g'h\"i"
    assert landing.plain(link(to)) == to
    assert landing.plain(link("https://blåbær.no/ø")) == "https://xn--blbr-roah.no/%C3%B8"


@given(st.text(min_size=1).filter(normal), st.text(min_size=1).filter(normal))
def test_the_door_reads_the_campaign_and_the_network_of_any_link(campaign: str, network: str) -> None:
    campaign, network = (text.encode("utf-8", "replace").decode() for text in (campaign, network))
    query = urls.query(landing.with_utm(link("https://shop.example/?a=b#c", campaign, network)), "")
    assert dict(parse_qsl(f"n={query.name}&s={query.source}")) == {"n": campaign, "s": network}


@given(st.text("ab/?#&=@:\\.%å \r\n[]<", max_size=12))
def test_no_address_of_a_catalogue_leads_to_another_host(rest: str) -> None:
    text = "".join(f"\\u{ord(c):04x}" for c in f"https://shop.example{rest}")
    try:
        (found,) = parse(f'{HEAD}[[link]]\ncode = "c"\nto = "{text}"\ncampaign = "autumn"\n').links
    except CatalogueError:
        return
    host = re.split("[/?#:]", found.to.removeprefix("https://"))[0]
    for landed in (landing.plain(found), landing.with_utm(found)):
        assert landed.isascii()
        assert landed.isprintable()
        assert URL(landed).host == URL.build(scheme="https", host=host).host
        assert host.startswith("shop.example")
