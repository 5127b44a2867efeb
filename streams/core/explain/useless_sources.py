"""What `sources.toml` says in vain: it is built in, or something else goes before it."""

from collections.abc import Iterable, Iterator
from typing import Any

from streams.core.catalogue.faults import Finding, found_at
from streams.core.door.context import ADVERTISING
from streams.core.door.fields.ids import PLACEHOLDERS
from streams.core.door.fields.names import event_name, normal
from streams.core.door.networks import BUILT_IN, fits
from streams.core.door.sources_toml import TOPICS
from streams.core.explain.meaning import UNDO
from streams.core.parsing.toml import load


def useless(text: str, counted: Iterable[str] = ()) -> list[Finding]:
    """What is useless in sources of that text, which `parse` takes, in the order of the lines; `counted` are the events
    that goals count."""
    document = load(text, "sources.toml")
    found = [
        *_sources(text, document.get("source", [])),
        *_touch(text, document.get("touch", {}), {event_name(event) for event in counted}),
        *_networks(text, document.get("networks", {})),
        *_words(text, document),
    ]
    return sorted(found)


def _sources(text: str, sources: list[dict[str, Any]]) -> Iterator[Finding]:
    for at, source in enumerate(sources):
        if source.keys() == {"topic"} and source["topic"] in TOPICS:
            yield found_at(text, f'topic "{source["topic"]}" is read so without this', "source", at)


def _touch(text: str, rules: dict[str, dict[str, Any]], counted: set[str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, rule in rules.items():
        same = first.setdefault(event_name(name), name)
        if same != name:
            yield found_at(text, f'"{name}" is the same name as "{same}", and goes before it', "touch", name)
        if event_name(name) in counted:
            yield found_at(text, f'a goal counts "{name}", so it is no touch', "touch", name)
        if rule["action"].strip().casefold() in UNDO:
            yield found_at(text, f'"{name}" undoes something: it is counted, and in no journey', "touch", name)


def _networks(text: str, networks: dict[str, list[str]]) -> Iterator[Finding]:
    for network, words in networks.items():
        for at, word in enumerate(words):
            if BUILT_IN.of(normal(word)) == BUILT_IN.named(normal(network)):
                yield found_at(text, f'"{word}" is of {network} without this', "networks", network, at)


def _words(text: str, document: dict[str, Any]) -> Iterator[Finding]:
    for at, word in enumerate(document.get("placeholders", [])):
        if word.strip().casefold() in PLACEHOLDERS:
            yield found_at(text, f'"{word}" is a placeholder without this', "placeholders", at)
    hosts = [normal(host).removeprefix("www.") for host in document.get("own_hosts", [])]
    for at, host in enumerate(hosts):
        if any(fits(other, host) for i, other in enumerate(hosts) if (other != host if i >= at else True)):
            yield found_at(text, f'"{host}" is among own_hosts already', "own_hosts", at)
    advertising = document.get("consent", {}).get("advertising")
    if advertising is not None and set(map(normal, advertising)) == ADVERTISING:
        yield found_at(text, "advertising says what is built in", "consent", "advertising")
