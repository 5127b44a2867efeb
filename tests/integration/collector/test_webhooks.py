"""Webhooks against a real broker: what is signed is recorded as it came, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker, free_ports
from streams.core.door.context import Reading
from streams.core.door.reader import read
from streams.core.parsing.limits import LARGEST
from tests.integration.collector.conftest import SECRETS, Site
from tests.integration.support.collectors import CollectorProcess

EXAMPLES = Path(__file__).parents[3] / "schemas" / "events" / "examples" / "valid"
READING = Reading({"order completed": "Order Completed"}, batch_limit=LARGEST)


def example(service: str) -> bytes:
    """An order of that service, with an id of its own."""
    return (EXAMPLES / EXAMPLE[service]).read_bytes()


EXAMPLE = {
    "shopify": "shopify/order.json", "woocommerce": "woocommerce/order.json", "stripe": "stripe/session.json",
}  # fmt: skip


def signature(service: str, body: bytes, secret: str, at: int | None = None) -> dict[str, str]:
    """The header that the service signs with."""
    if service == "stripe":
        stamp = int(time.time()) if at is None else at
        signed = hmac.new(secret.encode(), b"%d.%b" % (stamp, body), hashlib.sha256)
        return {"Stripe-Signature": f"t={stamp},v1={signed.hexdigest()}"}
    code = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return {"X-Shopify-Hmac-SHA256" if service == "shopify" else "X-WC-Webhook-Signature": code}


def post(site: Site, service: str, body: bytes, **headers: str) -> int:
    sent = {"Content-Type": "application/json", **signature(service, body, SECRETS[service])}
    return site.ask("POST", f"/webhooks/{service}", body, sent | headers).status


@pytest.mark.parametrize("service", SECRETS)
def test_what_is_signed_is_recorded_as_it_came(site: Site, service: str) -> None:
    body = example(service)
    assert [post(site, service, body) for _ in range(2)] == [200, 200]
    kept = [record for record in site.records() if record[2] == [("format", service.encode())]]
    assert [value for _, value, _ in kept] == [body] * 2
    first, again = ([e.message for e in read(value, headers, READING)[0].events] for _, value, headers in kept)  # type: ignore[union-attr]
    assert first == again, "a repeat is the same messages, which count once"
    assert {key for key, _, _ in kept} == {message.routing_key.encode() for message in first}


@pytest.mark.parametrize("service", SECRETS)
def test_what_is_not_signed_is_not_recorded(site: Site, service: str) -> None:
    body = b'{"id": 4711, "forged": true}'
    wrong = signature(service, body, "another secret")
    for headers in ({}, wrong, signature(service, body + b" ", SECRETS[service])):
        assert site.ask("POST", f"/webhooks/{service}", body, headers).status == 401
    if service == "stripe":
        old = signature(service, body, SECRETS[service], int(time.time()) - 310)
        assert site.ask("POST", "/webhooks/stripe", body, old).status == 401
    assert not any(b"forged" in value for _, value, _ in site.records())


def test_a_body_of_1_mib_is_taken_and_no_larger_one(site: Site) -> None:
    body = json.dumps({"id": 1, "financial_status": "paid", "x": ""}).encode()
    largest = body[:-2] + b"x" * (LARGEST - len(body)) + body[-2:]
    assert len(largest) == LARGEST
    assert post(site, "shopify", largest) == 200
    assert post(site, "shopify", largest + b" ") == 413


def test_woocommerce_may_ask_whether_somebody_listens(site: Site) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    before = len(site.records())
    assert site.ask("POST", "/webhooks/woocommerce", b"webhook_id=12", form).status == 200
    assert site.ask("POST", "/webhooks/shopify", b"webhook_id=12", form).status == 401
    assert len(site.records()) == before


def test_of_shopify_s_topics_those_of_orders_are_recorded(site: Site) -> None:
    body = b'{"shop_id": 1, "customer": {"email": "redacted@shop.example"}}'
    assert post(site, "shopify", body, **{"X-Shopify-Topic": "customers/redact"}) == 200
    assert not any(b"redacted" in value for _, value, _ in site.records())
    order = example("shopify").replace(b"450789469", b"450789470")
    assert post(site, "shopify", order, **{"X-Shopify-Topic": "orders/paid"}) == 200
    assert any(value == order for _, value, _ in site.records())


def test_without_a_secret_there_is_none(kafka: Broker, tmp_path: Path) -> None:
    env = {"BROKER_URL": f"kafka://{kafka.bootstrap}", "MAALSTROM_WEBHOOK_SECRET_STRIPE": "stripe-secret"}
    with CollectorProcess(tmp_path / "log", free_ports(1)[0], env) as process:
        process.wait_alive()
        bare = Site(process, kafka, "none")
        assert {name: bare.ask("POST", f"/webhooks/{name}", b"{}").status for name in SECRETS} == {
            "shopify": 404, "woocommerce": 404, "stripe": 401,
        }  # fmt: skip
