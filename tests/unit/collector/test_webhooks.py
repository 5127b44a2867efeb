"""Signatures of webhooks, as their services make them; the vectors were made with OpenSSL."""

import pytest

from streams.collector.webhooks import SIGNED, STRIPE_SECONDS, routing_key
from streams.core.door.context import Reading

BODY = b'{"id":"evt_1","object":"event"}'
AT = 1_700_000_000
READING = Reading({})
SHOPIFY, WOOCOMMERCE = "IiocVCcjxGTHNTOrL0IqrQIoS1a8dmDhL3cvtTbJNTA=", "TyuTLPsT1lNJriZBljetu5b3bGmrha+rLmkQ6Fb00vk="
STRIPE = "39b6b7a18b9debb511a72e81e851d398bdd17d1f3fec7ae5fc2521bc04aeb441"


@pytest.mark.parametrize(
    ("service", "header", "value"),
    [("shopify", "X-Shopify-Hmac-SHA256", SHOPIFY), ("woocommerce", "X-WC-Webhook-Signature", WOOCOMMERCE)],
)
def test_the_base64_of_the_body_s_code_is_known(service: str, header: str, value: str) -> None:
    signed, secret = SIGNED[service], f"{service}-secret".encode()
    assert signed(secret, {header: value}, BODY, AT)
    assert not signed(secret, {header: value}, BODY + b" ", AT)
    assert not signed(b"another", {header: value}, BODY, AT)
    for wrong in ("", "ø", value[:-4], value.lower(), SHOPIFY if service == "woocommerce" else WOOCOMMERCE):
        assert not signed(secret, {header: wrong}, BODY, AT)
    assert not signed(secret, {}, BODY, AT)


def stripe(header: str, now: int = AT, body: bytes = BODY) -> bool:
    return SIGNED["stripe"](b"stripe-secret", {"Stripe-Signature": header}, body, now)


def test_stripe_signs_the_time_and_the_body() -> None:
    assert stripe(f"t={AT},v1={STRIPE}")
    assert stripe(f"t={AT},v0=other,v1={'0' * 64},v1={STRIPE}")
    assert not stripe(f"t={AT + 1},v1={STRIPE}")
    assert not stripe(f"t={AT},v1={STRIPE}", body=BODY + b" ")
    for header in (
        "",
        f"v1={STRIPE}",
        f"t={AT}",
        f"t={AT},v0={STRIPE}",
        f"t=x,v1={STRIPE}",
        f"t={'9' * 5000},v1=",
        "ø=ø",
    ):
        assert not stripe(header)


def test_a_time_stamp_of_stripe_s_is_at_most_five_minutes_old() -> None:
    assert STRIPE_SECONDS == 5 * 60
    assert stripe(f"t={AT},v1={STRIPE}", AT + 300)
    assert not stripe(f"t={AT},v1={STRIPE}", AT + 301)


def test_a_body_that_says_nothing_has_a_key_of_its_own() -> None:
    header = ("format", b"stripe")
    keys = {routing_key(body, header, READING) for body in (b"", b"x", b"y", b"[]", BODY)}
    assert len(keys) == 5
    assert routing_key(b"x", header, READING) == routing_key(b"x", header, READING)
