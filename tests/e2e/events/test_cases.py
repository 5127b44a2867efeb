"""The field cases: `maalstrom replay` says of each what the oracle does, through one topic and through several."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.core.events.topics import KEYED
from tests.e2e.cases import case
from tests.e2e.commands import TOKEN_KEY, embedded, maalstrom, ok, unlike_reference

CASES = (
    "01-one-topic-segment-stream",
    "03-consent-category-case",
    "05-numbers-as-ids",
    "06-refund-with-vat-of-order-without",
    "08-order-updated",
    "09-thank-you-page-again",
    "13-utm-spellings",
    "17-money-as-text",
    "18-new-customer-as-text",
    "19-php-empty-objects",
    "22-identify-with-one-id",
    "24-event-name-spelling",
    "34-coupons-as-shops-write-them",
    "39-hostile-campaign-names",
    "40-catalogue-mended-later",
    "attack-02-where-undecodable",
    "attack-04-sum-overflow",
    "attack-12-report-escapes",
)


@pytest.mark.parametrize("number", range(len(CASES)), ids=CASES)
def test_a_case_is_what_the_oracle_says(number: int, tmp_path: Path) -> None:
    folder, apart = case(CASES[number]), number % 2
    topics = {file: file.stem if apart and file.stem in KEYED else "events" for file in sorted(folder.glob("*.ndjson"))}
    files = [part for file, topic in topics.items() for part in (f"--{topic}", file)]
    dsn, catalogue = embedded(tmp_path / "clickhouse"), folder / "catalogue.toml"
    ok(
        maalstrom(
            "replay", *files, "--catalogue", catalogue, "--clickhouse", dsn, env={"MAALSTROM_TOKEN_KEY": TOKEN_KEY}
        )
    )
    ordered = sorted(topics, key=lambda file: KEYED.index(topics[file]))
    records = [(topics[file], line) for file in ordered for line in file.read_bytes().splitlines() if line]
    assert unlike_reference(dsn, catalogue.read_text("utf-8"), records) == ""


def test_each_foreign_message_is_refused_with_words_that_name_it(tmp_path: Path) -> None:
    folder = case("26-other-envelopes")
    files = ("--events", folder / "checkout.ndjson", "--catalogue", folder / "catalogue.toml")
    done = maalstrom("replay", *files, "--clickhouse", embedded(tmp_path / "clickhouse"))
    assert done.status == 1
    letters = (tmp_path / "dead-letters.ndjson").read_text("utf-8").splitlines()
    assert len(letters) == len((folder / "checkout.ndjson").read_bytes().splitlines())
    assert all('"error": "this is a' in letter for letter in letters)
