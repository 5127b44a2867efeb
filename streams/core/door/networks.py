"""Networks: what names, sources and hosts are called by their network, built in and as `sources.toml` adds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from streams.core.door.fields.names import normal

LONGEST = 64  # characters of a network's name


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern whose `*`, at one end, stands for one or more characters."""
    if pattern.startswith("*"):
        return len(text) >= len(pattern) and text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return len(text) >= len(pattern) and text.startswith(pattern[:-1])
    return text == pattern


def _spellings(host: str) -> tuple[str, ...]:
    return (host.removeprefix("www."), host) if host.startswith("www.") else (host,)


@dataclass(frozen=True)
class Hosts:
    """Hosts and patterns of hosts, normalised; a leading `www.` is passed over."""

    patterns: frozenset[str] = frozenset()

    def have(self, host: str) -> bool:
        return any(fits(p.removeprefix("www."), h) for p in self.patterns for h in _spellings(host))


NO_HOSTS = Hosts()


@dataclass(frozen=True)
class Networks:
    """Normal names, hosts and patterns of hosts to the network that each belongs to; `base` is asked after these."""

    words: Mapping[str, str]
    base: "Networks | None" = None

    @cached_property
    def _exact(self) -> dict[str, str]:
        return {word.removeprefix("www."): network for word, network in self.words.items() if "*" not in word}

    @cached_property
    def _patterns(self) -> list[tuple[str, str]]:
        """Longer before shorter."""
        patterns = [(word.removeprefix("www."), network) for word, network in self.words.items() if "*" in word]
        return sorted(patterns, key=lambda found: (-len(found[0]), found[0]))

    @cached_property
    def _found(self) -> dict[str, str]:
        return {}

    def of(self, word: str) -> str:
        """The network of a normal name or host, '' where the table does not know it."""
        found = self._found.get(word)
        if found is None:
            if len(self._found) > 8192:
                self._found.clear()
            found = self._found[word] = self._looked_up(word)
        return found

    def _looked_up(self, word: str) -> str:
        words = _spellings(word)
        exact = (self._exact[w] for w in words if w in self._exact)
        patterns = (network for pattern, network in self._patterns for w in words if fits(pattern, w))
        return next(exact, "") or next(patterns, "") or (self.base.of(word) if self.base else "")

    def named(self, word: str) -> str:
        """The network of a normal name: its own name where the table does not know it."""
        return self.of(word) or word[:LONGEST]

    def with_words(self, added: Mapping[str, Iterable[str]]) -> "Networks":
        """A table that is asked first: networks to names, hosts and patterns, as people write them."""
        words = {}
        for network, spellings in added.items():
            name = normal(network)[:LONGEST]
            words[name] = name
            words.update((normal(spelling), name) for spelling in spellings)
        return Networks(words, self)


_NAMES = {
    "facebook": ("fb", "fb-ads", "facebook_ads", "meta"),
    "instagram": ("ig", "insta"),
    "x": ("twitter",),
    "youtube": ("yt",),
    "email": ("e-mail", "mail"),
}
_HOSTS = {
    "facebook": ("facebook.com", "m.facebook.com", "l.facebook.com", "lm.facebook.com", "fb.me"),
    "instagram": ("instagram.com", "l.instagram.com"),
    "x": ("t.co", "twitter.com", "x.com"),
    "linkedin": ("linkedin.com", "lnkd.in"),
    "tiktok": ("tiktok.com", "vm.tiktok.com"),
    "youtube": ("youtube.com", "m.youtube.com", "youtu.be"),
    "pinterest": ("pinterest.com", "pin.it"),
    "snapchat": ("snapchat.com",),
    "reddit": ("reddit.com", "out.reddit.com"),
    "whatsapp": ("wa.me", "web.whatsapp.com"),
    "search": (
        "google.*", "bing.com", "duckduckgo.com", "ecosia.org", "search.yahoo.com", "startpage.com", "kvasir.no",
    ),
    "email": ("mail.google.com", "outlook.live.com", "mail.yahoo.com"),
}  # fmt: skip

BUILT_IN = Networks({}).with_words({n: (*_NAMES.get(n, ()), *_HOSTS[n]) for n in _HOSTS})
