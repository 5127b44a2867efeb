"""What messages are taken for, in words."""

import pytest

from streams.core.catalogue.parse import parse
from streams.core.catalogue.readings import readings
from streams.core.door.sources_toml import Sources
from streams.core.explain.explained import DUPLICATE, Explained, Explainer
from tests.support.messages import (
    NOON,
    alias,
    batch,
    cancellation,
    consent_word,
    denied,
    identify,
    message,
    order,
    page,
    refund,
    touch,
    update,
)

CATALOGUE = parse("""base_currency = "NOK"
[[goal]]
id = "orders"
event = "Order Completed"
[[goal]]
id = "new"
event = "Order Completed"
where = { new_customer = true }
[[goal]]
id = "yearly"
event = "Order Completed"
where = { plan = "year", new_customer = "yes" }
[[goal]]
id = "renewals"
event = "Invoice Paid"
where = { plan = "year" }
[[campaign]]
id = "autumn"
aliases = ["høst"]
coupons = ["HOST10"]
[[campaign]]
id = "poster"
match = { network = "tiktok" }
[[campaign]]
id = "banner"
internal = true
""")


def explained(*lines: bytes) -> list[Explained]:
    """What each message is taken for."""
    explainer = Explainer(CATALOGUE, readings(CATALOGUE, Sources())["events"])
    return [each for at, line in enumerate(lines, 1) for each in explainer.explain(at, line)]


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (touch("m", NOON), 'touch: click on facebook, campaign autumn (by the id "autumn")'),
        (
            touch("m", NOON, "", campaign={"name": "Høst"}),
            'touch: click on facebook, campaign autumn (by the name "høst")',
        ),
        (touch("m", NOON, "spring"), "touch: click on facebook, campaign spring (not in the catalogue)"),
        (touch("m", NOON, "", coupon="host10"), 'touch: click on facebook, campaign autumn (by the coupon "host10")'),
        (touch("m", NOON, "", network="TikTok"), "touch: click on tiktok, campaign poster (by the campaign's match)"),
        (touch("m", NOON, ""), "touch: click on facebook, campaign (facebook) (by its network alone)"),
        (
            touch("m", NOON, "banner", "unlike", user=None, consent=denied()),
            'touch: unlike on facebook, campaign banner (by the id "banner"), in no journey: consent is denied, '
            "no usable user or anonymous id, it undoes something, the campaign is internal",
        ),
        (
            order("m", NOON, "A"),
            "completion for orders, not for new (new_customer does not fit), yearly (plan, new_customer do not fit): "
            "worth its revenue, no new_customer, no campaign of its own",
        ),
        (
            order("m", NOON, "A", "much", user="guest", new_customer=True),
            "completion for orders, new, not for yearly (plan does not fit): an amount that cannot be read, a new "
            "customer, no campaign of its own, nobody's: no usable user or anonymous id; left out: "
            "properties.revenue (a JSON string); placeholder ids: 1",
        ),
        (
            order("m", NOON, "A", new_customer=False, plan="year", consent=denied(), campaign={"source": "fb"}),
            "completion for orders, not for new (new_customer does not fit), yearly (new_customer does not fit): worth "
            "its revenue, a returning customer, campaign (facebook) where it has no touch of facebook, without consent",
        ),
        (
            message("invoice_paid", "m", NOON, plan="month"),
            "completion, but not for renewals (plan does not fit): no amount, no new_customer, no campaign of its own",
        ),
        (update("m", NOON, "A", total=3), "update: what an order is now, worth its total"),
        (cancellation("m", NOON, "A"), "reversal: a cancellation of the whole order"),
        (refund("m", NOON, "A"), "reversal: a refund of the whole order"),
        (refund("m", NOON, "A", total=5), "reversal: a refund of a part, worth its total"),
        (
            refund("m", NOON, "A", total="some"),
            "reversal: a refund of a part, an amount that cannot be read: it takes nothing; left out: properties.total "
            "(a JSON string)",
        ),
        (identify("m", NOON, "a", "u"), "link of two tokens of one person"),
        (alias("m", NOON, "a", "u"), "link of two tokens of one person"),
        (consent_word("m", NOON, False), "consent: advertising is denied from its time on"),
        (consent_word("m", NOON, True), "consent: advertising is allowed from its time on"),
        (page("m", NOON), 'ignored: "page"; it does not say where the visitor came from'),
        (message("Product Added", "m", NOON), 'ignored: "Product Added"; no goal counts it, and it is no touch'),
        (
            message("Order Complete", "m", NOON),
            'ignored: "Order Complete"; no goal counts "Order Complete"; did you mean "Order Completed"?',
        ),
        (
            b'{"event_name": "purchase", "event_timestamp": "1"}',
            'dead letter (malformed): this is a row of Google Analytics 4; give the topic format = "ga4"',
        ),
    ],
)
def test_a_message_is_taken_for(line: bytes, meaning: str) -> None:
    (found,) = explained(line)
    assert found.meaning == meaning


def test_a_line_names_the_message_and_the_order() -> None:
    (found,) = explained(refund("r1", NOON, "A"))
    assert found.text == "1: reversal: a refund of the whole order [message r1, order_id A]"


def test_each_message_of_a_batch_is_explained() -> None:
    found = explained(batch(touch("m1", NOON), page("m2", NOON)))
    assert [(each.line, each.meaning.partition(":")[0]) for each in found] == [(1, "touch"), (1, "ignored")]


def test_a_repeated_message_is_a_duplicate_and_counts_once() -> None:
    lines = [order("m", NOON, "A"), order("m", NOON + 1, "A"), order("m", NOON, "B"), page("m", NOON), page("m", NOON)]
    found = explained(*lines)
    assert [each.meaning == DUPLICATE for each in found] == [False, True, False, False, False]
