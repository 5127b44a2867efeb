"""The JSON Schemas of the events: each valid example passes, each invalid one fails, and a decoder agrees."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streams.core.door.reader import NO_HEADERS, read
from streams.core.ledger.settings import LedgerSettings
from streams.core.privacy.requests import requests
from streams.simulate import Scenario, generate
from tests.oracle import attribute
from tests.support.strategies import CATALOGUE, CATALOGUE_TEXT

EVENTS = Path(__file__).parents[2] / "schemas" / "events"
FORMATS = ("ga4", "snowplow", "posthog", "shopify", "woocommerce", "stripe", "cloudevents")
NAMES = ("engagement", "checkout", "identity", "cost", "erasure", *FORMATS)
SCHEMAS = {name: json.loads((EVENTS / f"{name}.schema.json").read_text(encoding="utf-8")) for name in NAMES}
VALID = sorted((EVENTS / "examples" / "valid").rglob("*.json"))
INVALID = sorted((EVENTS / "examples" / "invalid").rglob("*.json"))


def accepts(name: str, raw: bytes) -> bool:
    """Whether it is JSON (strictly: no NaN, no half surrogate pair) that meets the schema."""
    try:
        event = json.loads(raw.decode(), parse_constant=refuse)
        json.dumps(event, ensure_ascii=False).encode()
    except ValueError:
        return False
    return bool(Draft202012Validator(SCHEMAS[name]).is_valid(event))


def refuse(constant: str) -> Any:
    raise ValueError(constant)


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_one_and_has_examples_of_both_kinds(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert any(path.parent.name == name for path in VALID)
    assert any(path.parent.name == name for path in INVALID)


@pytest.mark.parametrize("path", VALID, ids=label)
def test_a_valid_example_passes(path: Path) -> None:
    assert accepts(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("path", INVALID, ids=label)
def test_an_invalid_example_fails(path: Path) -> None:
    assert not accepts(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("path", [path for path in VALID if path.parent.name in NAMES[:3]], ids=label)
def test_the_oracle_reads_a_valid_example(path: Path) -> None:
    outcomes = attribute(CATALOGUE_TEXT, [(path.parent.name, path.read_bytes())]).outcomes
    known = {None, "Social Interaction", "Order Refunded", "Order Cancelled", *CATALOGUE.events}
    used = json.loads(path.read_bytes()).get("event") in known
    ((topic, outcome, _), count) = next(iter(outcomes.items()))
    assert (topic, count, outcome in ("accepted", "no_consent")) == (path.parent.name, 1, used)


@pytest.mark.parametrize("path", [path for path in INVALID if path.parent.name in NAMES[:3]], ids=label)
def test_what_is_read_of_an_invalid_example_is_what_the_oracle_reads(path: Path) -> None:
    """A schema says what to send; a reader is lenient where the contract is."""
    topic, value = path.parent.name, path.read_bytes()
    (item,) = read(value, NO_HEADERS, LedgerSettings(CATALOGUE, b"").reading(topic))
    outcomes = attribute(CATALOGUE_TEXT, [(topic, value)]).outcomes
    assert (item.rejected is not None) == ((topic, "dead_letter", "malformed") in outcomes)


def test_what_is_simulated_meets_the_schemas() -> None:
    records = list(generate(Scenario(events=300, engagement=0.5)))
    assert {record.topic for record in records} == {"engagement", "checkout"}
    assert all(accepts(record.topic, record.value) for record in records)


@pytest.mark.parametrize("path", [path for path in VALID + INVALID if path.parent.name == "erasure"], ids=label)
def test_the_ledger_reads_the_requests_that_meet_the_schema(path: Path) -> None:
    (found,) = requests([path.read_bytes()])
    assert isinstance(found, int) == (path in VALID)
