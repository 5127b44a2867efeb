"""Networks, by names, hosts and click ids.

Chosen: names and hosts are one table, so that a source `facebook.com` is facebook; all of `sources.toml` goes before
all that is built in; a longer name is cut to 64 characters; the network of an own host is none.
"""

from collections.abc import Mapping, Sequence

from tests.oracle.door.names import fits, host, name

_TABLE = """
facebook: fb fb-ads facebook_ads meta facebook facebook.com m.facebook.com l.facebook.com lm.facebook.com fb.me
instagram: ig insta instagram instagram.com l.instagram.com
x: twitter x t.co twitter.com x.com
youtube: yt youtube youtube.com m.youtube.com youtu.be
email: e-mail mail email mail.google.com outlook.live.com mail.yahoo.com
linkedin: linkedin linkedin.com lnkd.in
tiktok: tiktok tiktok.com vm.tiktok.com
pinterest: pinterest pinterest.com pin.it
snapchat: snapchat snapchat.com
reddit: reddit reddit.com out.reddit.com
whatsapp: whatsapp wa.me web.whatsapp.com
search: search google.* bing.com duckduckgo.com ecosia.org search.yahoo.com startpage.com kvasir.no
"""
BUILT_IN = {line.partition(":")[0]: line.partition(":")[2].split() for line in _TABLE.strip().splitlines()}
CLICK_IDS = {
    "fbclid": "facebook",
    "igshid": "instagram",
    "ttclid": "tiktok",
    "twclid": "x",
    "li_fat_id": "linkedin",
    "sccid": "snapchat",
    "epik": "pinterest",
    "rdt_cid": "reddit",
    **dict.fromkeys(("gclid", "gbraid", "wbraid", "dclid"), "google"),
    "msclkid": "bing",
    "mc_eid": "email",
}
MEDIA_OF_EMAIL = ("email", "e-mail")


class Networks:
    """The table, with what `sources.toml` adds before it. A network's own name stands for itself."""

    def __init__(self, added: Mapping[str, Sequence[str]], own_hosts: Sequence[str]) -> None:
        tables = {name(network): [network, *called] for network, called in added.items()}, BUILT_IN
        self._tables = [[(host(name(p)), network) for network, ps in t.items() for p in ps] for t in tables]
        self._own = [host(pattern) for pattern in own_hosts]
        self._asked: dict[str, str] = {}

    def known(self, called: str) -> str:
        """The network of a name or host; '' where no table has it. Most are asked for again and again."""
        if called not in self._asked:
            self._asked[called] = self._in_tables(host(called))
        return self._asked[called]

    def _in_tables(self, called: str) -> str:
        for table in self._tables:
            hits = [(("*" not in p, len(p)), network) for p, network in table if fits(p, called)]
            if called and hits:
                return max(hits)[1]
        return ""

    def of_name(self, called: str) -> str:
        """The network of a normalised name: its own where no table has it."""
        return self.known(called) or called[:64]

    def of_source(self, source: str, medium: str) -> str:
        return self.known(source) or ("email" if medium in MEDIA_OF_EMAIL else self.of_name(source))

    def of_click(self, parameters: Mapping[str, str]) -> str:
        """The network of the first click id of the list that is there; '' where none is."""
        return next((self.of_name(network) for key, network in CLICK_IDS.items() if parameters.get(key)), "")

    def of_referrer(self, referrer: str) -> str:
        """The network of a host that is known and not an own one, else ''."""
        return "" if any(fits(pattern, referrer) for pattern in self._own) else self.known(referrer)
