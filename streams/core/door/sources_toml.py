"""What `sources.toml` says: which topics are read and how; who is nobody, whose host is whose."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.core.door.context import ADVERTISING, TouchRule
from streams.core.door.fields.names import event_name, normal
from streams.core.door.networks import BUILT_IN, NO_HOSTS, Hosts, Networks
from streams.core.door.orders import COMPLETED
from streams.core.door.recognise import FORMATS, SEGMENT, SHOPIFY, STRIPE, WOOCOMMERCE
from streams.core.door.segment import RESERVED
from streams.core.door.touches import ACTIONS
from streams.core.parsing.limits import LARGEST, LIMIT
from streams.core.parsing.toml import CatalogueError, Path, TomlTable, load, shown

SourcesError = CatalogueError
TOPICS = ("events", "engagement", "checkout", "identity")
_KEYS = ("order_scope", "own_hosts", "placeholders", "source", "touch", "consent", "networks", "collect")
_SOURCE_KEYS = ("topic", "format", "scope", "max_bytes")
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_OURS = ("costs", "alerts", "forwarded")
_NEVER_TOUCHES = RESERVED | {COMPLETED}
_WEBHOOKS = (SHOPIFY, WOOCOMMERCE, STRIPE)


@dataclass(frozen=True)
class Source:
    """How the messages of a topic are read; `limit` in bytes of a message, `batch_limit` of a batch or a webhook."""

    topic: str
    format: str = SEGMENT
    scope: str = ""
    limit: int = LIMIT
    batch_limit: int = LIMIT


_BUILT_IN = (Source("events", batch_limit=LARGEST), *map(Source, TOPICS[1:]))


@dataclass(frozen=True)
class Sources:
    """Everything that `sources.toml` says, with what is built in where it says nothing. Words are normalised."""

    topics: tuple[Source, ...] = _BUILT_IN
    scoped_by_affiliation: bool = False
    own_hosts: Hosts = NO_HOSTS
    placeholders: frozenset[str] = frozenset()
    touch: Mapping[str, TouchRule] = field(default_factory=dict)
    advertising: frozenset[str] = ADVERTISING
    networks: Networks = BUILT_IN
    cookie: bool = False

    @property
    def scoped(self) -> bool:
        """Whether order ids are of several series."""
        return self.scoped_by_affiliation or any(source.scope for source in self.topics)

    @property
    def more(self) -> tuple[str, ...]:
        """The topics beside those that are always read."""
        return tuple(source.topic for source in self.topics if source.topic not in TOPICS)


def parse(text: str, source: str = "sources.toml", without: Iterable[Path] = ()) -> Sources:
    """Read and check `sources.toml`, but for what is `without`; raises SourcesError with `source`, the line, what is
    wrong and what to do."""
    root = TomlTable(load(text, source, without), (), text, source)
    root.only(_KEYS)
    consent, collect = root.table("consent"), root.table("collect")
    consent.only(("advertising",))
    collect.only(("cookie",))
    networks = _networks(root.table("networks"))
    return Sources(
        topics=_topics(root),
        scoped_by_affiliation=_scoped(root),
        own_hosts=Hosts(
            frozenset(_host(root, "own_hosts", host, i) for i, host in enumerate(root.strings("own_hosts")))
        ),
        placeholders=frozenset(map(normal, root.strings("placeholders"))),
        touch=_touch(root.table("touch"), networks),
        advertising=_advertising(consent),
        networks=networks,
        cookie=_flag(collect, "cookie"),
    )


def _topics(root: TomlTable) -> tuple[Source, ...]:
    named: dict[str, Source] = {}
    for table in root.tables("source"):
        source = _source(table)
        if source.topic in named:
            table.fail(f"topic {shown(source.topic)} stands here twice", "keep one [[source]] for each topic", "topic")
        named[source.topic] = source
    return tuple(({s.topic: s for s in _BUILT_IN} | named).values())


def _source(table: TomlTable) -> Source:
    table.only(_SOURCE_KEYS)
    topic = table.string("topic")
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        table.fail(f"topic {shown(topic)} is no name of a topic", "use letters, digits and . _ - only", "topic")
    if topic in _OURS or topic.endswith(".dlq"):
        table.fail(f"topic {shown(topic)} is written by maalstrom", "name the topic that your events come in", "topic")
    name = table.string("format", SEGMENT)
    if name not in FORMATS:
        table.fail(f"there is no format {shown(name)}", f"the formats are {', '.join(FORMATS)}", "format")
    scope = table.values.get("scope", "")
    if not isinstance(scope, str):
        table.fail(f"scope is {shown(scope)}, not a text", 'write scope = "…", or leave it out', "scope")
    limit = _limit(table)
    return Source(
        topic, name, scope.strip(), limit, max(limit, LARGEST if topic == "events" or name in _WEBHOOKS else 0)
    )


def _limit(table: TomlTable) -> int:
    limit = table.values.get("max_bytes", LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1024 <= limit <= LARGEST:
        table.fail(f"max_bytes is {shown(limit)}", f"write a number of bytes from 1024 to {LARGEST}", "max_bytes")
    return limit


def _scoped(root: TomlTable) -> bool:
    said = root.values.get("order_scope")
    if said is not None and said != "affiliation":
        root.fail(f"order_scope is {shown(said)}", 'write order_scope = "affiliation", or leave it out', "order_scope")
    return said is not None


def _host(table: TomlTable, key: str, pattern: str, *at: str | int) -> str:
    """A host or a pattern of hosts, normal."""
    found = normal(pattern)
    if "://" in found or (key == "own_hosts" and ("/" in found or ":" in found)):
        table.fail(f"{shown(pattern)} is no host", 'write the host alone, such as "shop.example"', key, *at)
    if found.count("*") > 1 or found.strip("*") == "" or "*" in found.strip("*"):
        table.fail(f"{shown(pattern)} is no pattern", 'put one * at one end, such as "*.shop.example"', key, *at)
    return found


def _networks(table: TomlTable) -> Networks:
    added: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for network in table.values:
        words = [_host(table, network, word, i) for i, word in enumerate(table.strings(network))]
        for i, word in enumerate(words):
            if owners.setdefault(word, network) != network:
                table.fail(f"{shown(word)} belongs to {owners[word]} already", "list it once", network, i)
        added[network] = words
    return BUILT_IN.with_words(added) if added else BUILT_IN


def _touch(table: TomlTable, networks: Networks) -> dict[str, TouchRule]:
    rules = {}
    for name in table.values:
        rule = table.table(name)
        rule.only(("action", "network"))
        if not event_name(name) or event_name(name) in _NEVER_TOUCHES:
            table.fail(f"{shown(name)} has a meaning of its own", "name another event, or leave this out", name)
        action = rule.string("action").strip().casefold()
        if action not in ACTIONS:
            rule.fail(f"there is no action {shown(action)}", f"the actions are {', '.join(sorted(ACTIONS))}", "action")
        network = networks.named(normal(rule.string("network"))) if "network" in rule.values else ""
        rules[event_name(name)] = TouchRule(action, network)
    return rules


def _advertising(table: TomlTable) -> frozenset[str]:
    if "advertising" not in table.values:
        return ADVERTISING
    found = frozenset(map(normal, table.strings("advertising")))
    if not found:
        table.fail(
            "advertising is empty", 'name the categories that mean advertising, such as ["C0004"]', "advertising"
        )
    return found


def _flag(table: TomlTable, key: str) -> bool:
    said = table.values.get(key, False)
    if not isinstance(said, bool):
        table.fail(f"{key} is {shown(said)}", f"write {key} = true or {key} = false", key)
    return said
