"""What sites, shops and people write in their messages: the usual, and now and then the odd."""

from typing import Any

CATALOGUE = """base_currency = "NOK"
timezone = "Europe/Oslo"

[[goal]]
id = "orders"
event = "Order Completed"

[[goal]]
id = "new"
event = "order_completed"
where = { new_customer = true, size = 1 }
value = 2.68
windows = { click = "14d", engage = "2h", view = "1s" }

[[goal]]
id = "invoices"
event = "Order Completed"
id_field = "invoice_id"
value = 0.000001
windows = { click = "1s", engage = "0s", view = "60m" }

[[goal]]
id = "leads"
event = "Lead Sent"
id_field = "messageId"
value = 0

[[campaign]]
id = "Autumn"
name = "Autumn on Facebook"
aliases = ["autumn-2026", "høst"]
coupons = ["HOST10"]

[[campaign]]
id = "paper"
coupons = ["P", "Påske 10"]

[[campaign]]
id = "banner"
internal = true
coupons = ["OWN"]

[[campaign]]
id = "blog"
match = { host = "*.blog.example", path = "/autumn*" }

[[campaign]]
id = "paid"
aliases = ["(tiktok)"]
match = { network = "facebook", medium = "Paid Social" }
"""
SOURCES = """order_scope = "affiliation"
own_hosts = ["shop.example", "*.shop.example"]
placeholders = ["gjest"]

[[source]]
topic = "till"
scope = "till"

[touch]
"Newsletter Clicked" = { action = "click", network = "E-Mail" }

[consent]
advertising = ["advertising", "C0004", "markedsføring"]

[networks]
facebook = ["fb.example", "*.fb.example"]
blog = ["*.blog.example"]
"""

NOON = 1_793_534_400_000  # 2026-11-01T12:00:00Z
TOPICS = ("events", "events", "engagement", "checkout", "identity", "till")
WINDOWS = (0, 1_000, 3_600_000, 7_200_000, 86_400_000, 604_800_000, 1_209_600_000)
TOUCH_TIMES = tuple(edge - window for window in WINDOWS for edge in (-1, 0, 1, 60_000))
WEEKS = tuple(-604_800_000 * n for n in range(4))
ORDER_TIMES = (0, 0, 1, 59_999, 60_000, 86_400_000, -86_400_000)
MESSAGE_IDS = (
    "a",
    "b",
    "B",
    "o1",
    "00",
    "æ",
    "ae\u0301",
    "a" * 16,
    "a" * 16 + "b",
    "é" * 8,
    7,
    "8",
    "c",
    "d",
    "e",
    "f",
)
NO_IDS = (None, "", "undefined", "a" * 257, ["a"])
AMOUNTS = ("0", "0.0000015", "0.5", "1", "3.33", "3.33", "9.99", "1e2", "100.000000", "100.000000", "333.333333")
SMALL = ("0.5", "0.5", "1", "1", "3.33", "0.000001", '"1,50"', "-2")
WRITTEN = ('"9.99"', '"1.299,00"', '"1 299,50 kr"', '"$49.90"', '"NOK 100"', '"100,-"', '"1.299"')
DIRTY = ('"1,299"', '"free"', '""', "-1", "true", "[]", '"100 EUR"', "1e12")

TOKENS = (
    *(
        {"userId": "u"},
        {"userId": "u"},
        {"userId": "u", "anonymousId": "x"},
        {"anonymousId": "x"},
        {"anonymousId": "x"},
    ),
    *({"userId": None, "anonymousId": "y"}, {"userId": "", "anonymousId": "v"}, {"userId": " u ", "anonymousId": "u"}),
    *({"userId": "undefined", "anonymousId": "x"}, {"userId": ["u"], "anonymousId": "x"}),
)
NOBODY: tuple[dict[str, Any], ...] = ({}, {"userId": None}, {"userId": "Gjest", "anonymousId": "[object Object]"})
LINKS = (
    ("x", "u"),
    ("x", "v"),
    ("x", "v"),
    ("y", "u"),
    ("y", 5),
    ("x", "v"),
    ("v", "w"),
    ("u", "x"),
    ("w", "w"),
    ("x", "null"),
)
CAMPAIGNS: tuple[Any, ...] = (
    *(None, None, {}, [], "", {"id": "autumn", "source": "Facebook"}, {"name": "H%C3%98ST"}, {"id": "paper"}),
    *(
        {"id": 7, "name": "AUTUMN-2026"},
        {"name": "banner", "source": "shop"},
        {"source": "fb", "medium": "paid+social"},
    ),
    *({"source": "letter", "medium": "e-mail"}, {"name": "(direct)", "source": "(direct)"}, {"name": ["autumn"]}),
    *({"name": "spring  sale"}, {"id": "1", "name": "2"}, {"source": "tiktok"}, {"source": "shop"}),
)
QUERIES = (
    *("", "", "?utm_source=fb", "?utm_source=facebook&utm_medium=paid_social&utm_campaign=autumn-2026&fbclid=a"),
    *("?UTM_CAMPAIGN=spring+sale", "?utm_id=Autumn&utm_campaign=x", "?utm_campaign=banner&utm_source=shop", "?gclid=1"),
    *(
        "?utm_source=&utm_source=ig",
        "?utm_source=(direct)&utm_campaign=(not%20set)",
        "?fbclid=&gclid=b",
        "?q=1#?gclid=1",
    ),
    *("?utm_source=letter&utm_medium=email", "?ttclid=1"),
)
REFERRERS = (
    *("", "", "https://l.facebook.com/", "https://www.google.no/search?q=a", "https://shop.example/", "/before"),
    *("https://pay.example/", "https://a.blog.example/1", "https://b.fb.example/"),
)
PATHS = ("/", "/autumn", "/autumn/lamps")
CONSENTS: tuple[dict[str, Any], ...] = (
    *({}, {}, {}, {}, {"consent": []}, {"consent": {"categoryPreferences": {"analytics": False}}}),
    *({"consent": {"categoryPreferences": {"Advertising": c}}} for c in (True, False, None)),
    {"consentManagement": {"deniedConsentIds": ["C0004"]}},
    {"consentManagement": {"allowedConsentIds": ["markedsføring"], "deniedConsentIds": ["other"]}},
)
ACTIONS = (
    "click",
    "Click",
    "visit",
    "scan",
    "like",
    "reaction",
    "save",
    "view",
    "view",
    "open",
    "IMPRESSION",
    "unlike",
)
SPEC = (
    "Promotion Viewed",
    "promotion_clicked",
    "Email Opened",
    "Email Link Clicked",
    "Install Attributed",
    "Cart Shared",
)
LATER = ("Order Updated", "Order Refunded", "Order Refunded", "Order Refunded", "Order Cancelled", "Order Completed")
IGNORED = ("Product Viewed", "Checkout Started", "Order Complete", "__proto__", "x" * 300)
GOOD = b'{"type":"track","event":"Order Completed","messageId":"a","timestamp":"2026-11-01T12:00:00Z"'
NO_MESSAGES = (
    *(b"", b"null", b"[]", b"{", b"\xff\xfe", b'"track"', b" " * 65_537, GOOD, GOOD + b',"x":NaN}', b'{"batch":5}'),
    *(GOOD.replace(b"track", b"tracked") + b"}", GOOD.replace(b'"Order Completed"', b"7") + b"}"),
    *(GOOD.replace(b"Z", b"") + b"}", GOOD.replace(b"2026-11-01", b"2026-02-30") + b"}"),
    GOOD.replace(b"Order Completed", b"Social Interaction") + b',"properties":{"action":"dance","network":"x"}}',
    GOOD.replace(b"Order Completed", b"Social Interaction") + b',"properties":{"action":"like","network":""}}',
)
