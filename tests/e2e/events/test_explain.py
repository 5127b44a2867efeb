"""`maalstrom explain`: what each record of a file would be taken for."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.cases import CATALOGUE, case
from tests.e2e.commands import maalstrom, ok
from tests.support.messages import NOON, message, order, page, touch


def test_records_are_explained_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    lines = [touch("t1", NOON, "spring\x1b[2J\u202e"), b"", order("o1", NOON, "A\x07", user=None), b"no JSON"]
    (tmp_path / "e.ndjson").write_bytes(b"\n".join(lines))
    told = ok(maalstrom("explain", "e.ndjson", "--catalogue", "catalogue.toml", cwd=tmp_path)).out
    assert "\x1b" not in told
    assert "\u202e" not in told
    touched, ordered, dead, _, count, *rest = told.splitlines()
    assert touched == "1: touch: click on facebook, campaign spring[2j (not in the catalogue) [message t1]"
    assert ordered.startswith(
        "3: completion for orders, not for renewals (plan does not fit): worth its revenue, no new_customer"
    )
    assert dead.startswith("4: dead letter (malformed): not a JSON object")
    assert count == "3 messages: 2 accepted, 1 dead letter"
    assert rest == [
        "  of 1 completed orders 100 % have no user, 100 % have no new_customer",
        "  campaigns that the catalogue does not list: 1 spring[2j",
        '  goal "renewals" asks for properties.plan, and no "Order Completed" has it',
    ]


def test_many_records_are_explained_in_sum_or_each_if_asked(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)  # found by its name
    lines = [message("Order", "m", NOON), *(page(f"p{i}", NOON) for i in range(60)), touch("t1", NOON)]
    stdin = b"\n".join(lines)
    told = ok(maalstrom("explain", "-", cwd=tmp_path, stdin=stdin)).out.splitlines()
    assert told[:3] == [
        '60 × ignored: "page"; it does not say where the visitor came from (first in line 2)',
        '1 × ignored: "Order"; no goal counts it, and it is no touch (first in line 1)',
        '1 × touch: click on facebook, campaign autumn (by the id "autumn") (first in line 62)',
    ]
    each = ok(maalstrom("explain", "-", "--all", cwd=tmp_path, stdin=stdin)).out.splitlines()
    assert [line.split(":")[0] for line in each[:62]] == [str(at) for at in range(1, 63)]


def test_without_a_catalogue_it_says_so_and_explains(tmp_path: Path) -> None:
    done = ok(maalstrom("explain", "-", cwd=tmp_path, stdin=order("o", NOON, "A")))
    assert done.err.startswith("No catalogue is named")
    assert done.out.startswith("1: completion for orders: worth its revenue")


def test_messages_of_other_systems_are_named_and_read_if_asked() -> None:
    folder = case("26-other-envelopes")
    arguments = (folder / "checkout.ndjson", "--catalogue", folder / "catalogue.toml")
    told = ok(maalstrom("explain", *arguments)).out.splitlines()
    names = ("Google Analytics 4", "Shopify order", "Shopify refund", "WooCommerce", "Stripe", "CloudEvent", "PostHog")
    assert all(name in line for name, line in zip(names, told, strict=False))
    shopify = ok(maalstrom("explain", *arguments, "--format", "shopify")).out.splitlines()
    assert "dead letter" not in shopify[1] + shopify[2]
    assert "order_id 450789469" in shopify[1]
    assert shopify[2].startswith("3: reversal: a refund of a part")
