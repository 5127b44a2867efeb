"""What a worker goes by and no table shows: digests of its parts, by which the workers of a group are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from hashlib import blake2b
from typing import Any

from streams.core.catalogue.model import ORDER_ID, Catalogue
from streams.core.door.networks import BUILT_IN
from streams.core.door.sources_toml import Sources
from streams.core.ledger.settings import LedgerSettings
from streams.sinks.clickhouse.catalogue import setting, write_setting
from streams.sinks.clickhouse.client import Client

Parts = Mapping[str, object]
CATALOGUE, SOURCES, VARIABLES = "catalogue", "sources", "variables"
OTHER = {CATALOGUE: "another catalogue", SOURCES: "other sources", VARIABLES: "other settings"}


def variables_to_set(file: str, names: list[str]) -> str:
    """The environment variables that say what differs by those names."""
    return ", ".join(names) if file == VARIABLES else f"MAALSTROM_{file.upper()}"


def write(client: Client, rules: LedgerSettings) -> None:
    """Say that this is what a worker goes by. Raises DatabaseError."""
    for file, parts in _of_worker(rules).items():
        write_setting(client, file, json.dumps(_digests(parts)))


def differing(client: Client, rules: LedgerSettings) -> dict[str, list[str]]:
    """The keys of which the database has something else, by file; none where no worker has said anything. What only
    another version of maalstrom knows is passed over. Raises DatabaseError."""
    return {file: _differing(_said(client, file), _digests(parts)) for file, parts in _of_worker(rules).items()}


def _differing(said: Mapping[str, Any], digests: Mapping[str, str]) -> list[str]:
    return [key for key, digest in digests.items() if said.get(key, digest) != digest]


def _of_worker(rules: LedgerSettings) -> dict[str, Parts]:
    """What its two files and its environment say to a worker."""
    variables = {
        "MAALSTROM_RETENTION": rules.retention,
        "MAALSTROM_LATENESS": rules.lateness,
        "MAALSTROM_CAMPAIGNS": rules.campaigns,
    }
    return {CATALOGUE: _of_catalogue(rules.catalogue), SOURCES: _of_sources(rules.sources), VARIABLES: variables}


def _of_sources(sources: Sources) -> Parts:
    """What `sources.toml` says to a worker, by key."""
    networks = sources.networks
    return {
        "[[source]]": sorted((s.topic, s.format, s.scope, s.limit, s.batch_limit) for s in sources.topics),
        "order_scope": sources.scoped_by_affiliation,
        "own_hosts": sorted(sources.own_hosts.patterns),
        "placeholders": sorted(sources.placeholders),
        "[touch]": sorted((name, *rule) for name, rule in sources.touch.items()),
        "[consent]": sorted(sources.advertising),
        "[networks]": {} if networks is BUILT_IN else dict(networks.words),
    }


def _of_catalogue(catalogue: Catalogue) -> Parts:
    """What `catalogue.toml` says beside what the tables of goals and campaigns have, by key."""
    return {
        "id_field": {goal.id: goal.id_field for goal in catalogue.goals if goal.id_field != ORDER_ID},
        "match": {each.id: astuple(each.match) for each in catalogue.campaigns if each.match},
        "internal": sorted(each.id for each in catalogue.campaigns if each.internal),
        "[[holdout]]": sorted((each.campaign.id, str(each.share), each.salt) for each in catalogue.holdouts),
        "[rates]": {currency: str(rate) for currency, rate in catalogue.rates.items()},
        "timezone": catalogue.timezone,
    }


def _said(client: Client, file: str) -> dict[str, Any]:
    try:
        found = json.loads(setting(client, file) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digests(parts: Parts) -> dict[str, str]:
    return {key: _digest(json.dumps(part, sort_keys=True)) for key, part in parts.items()}


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
