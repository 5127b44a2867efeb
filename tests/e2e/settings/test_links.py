"""`maalstrom links qr`: what is printed leads, read by another's reader, to the link."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.commands import maalstrom, ok
from tests.support.qr import scanned

PUBLIC = "https://go.shop.example/k"
CATALOGUE = """base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
[[campaign]]
id = "autumn"
"""
LINKS = "".join(
    f'[[link]]\ncode = "{code}"\nto = "https://shop.example/autumn"\ncampaign = "autumn"\nnetwork = "poster"\n'
    for code in ("poster", "Poster_2", "-" * 64)
)


def folder(place: Path, text: str) -> dict[str, str]:
    """The environment with a catalogue of that text."""
    (place / "catalogue.toml").write_text(text, "utf-8")
    return {"MAALSTROM_CATALOGUE": str(place / "catalogue.toml"), "COLLECT_PUBLIC_URL": f"{PUBLIC}/"}


def test_the_codes_lead_to_the_links(tmp_path: Path) -> None:
    done = ok(maalstrom("links", "qr", tmp_path / "new" / "codes", env=folder(tmp_path, CATALOGUE + LINKS)))
    codes = ("poster", "Poster_2", "-" * 64)
    assert [scanned(tmp_path / "new" / "codes" / f"{code}.png") for code in codes] == [
        f"{PUBLIC}/go/{c}" for c in codes
    ]
    drawn = (tmp_path / "new" / "codes" / "poster.svg").read_text("utf-8")
    assert drawn.startswith("<?xml")
    assert f"<title>{PUBLIC}/go/poster</title>" in drawn
    assert [line.split("\t")[0] for line in done.out.splitlines()] == [f"{PUBLIC}/go/{code}" for code in codes]


@pytest.mark.parametrize(
    ("text", "public", "said"),
    [
        (LINKS, "", "COLLECT_PUBLIC_URL is not set, and QR codes lead to the collector; set it to where people reach"),
        (LINKS, "go.shop.example", "COLLECT_PUBLIC_URL is 'go.shop.example', which is no address to print; set it to"),
        (LINKS, "https://a.no/?b", "which is no address to print"),
        (LINKS, "https://me:pass@a.no", "which is no address to print"),
        ("", PUBLIC, "has no [[link]]; add one for each code, with code, to and campaign"),
    ],
)
def test_what_is_missing_is_said_in_a_line(text: str, public: str, said: str, tmp_path: Path) -> None:
    environment = folder(tmp_path, CATALOGUE + text) | {"COLLECT_PUBLIC_URL": public}
    done = maalstrom("links", "qr", tmp_path / "codes", env=environment)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert said in done.err
    assert not (tmp_path / "codes").exists()
