"""A shop's server with a Python SDK that sells until SIGTERM, whatever happens to what it talks to.

It ends by saying, as JSON, which of its events the SDK took for delivered, and which it gave up.
"""

import importlib
import itertools
import json
import os
import signal
import time
from typing import Any

COLLECTOR, WRITE_KEY, SHOP = (os.environ[name] for name in ("COLLECTOR", "WRITE_KEY", "SHOP"))
MODULE, ADDRESS = {
    "segment-python": ("segment.analytics", "host"),
    "rudder-python": ("rudderstack.analytics", "dataPlaneUrl"),
}[SHOP]
CONTEXT = {"campaign": {"name": "autumn", "source": SHOP, "medium": "social"}}
analytics: Any = importlib.import_module(MODULE)
sent: list[str] = []
failed: set[str] = set()
stopped = False


def stop(*_: object) -> None:
    """Sell no more."""
    global stopped
    stopped = True


def given_up(_: Exception, batch: list[dict[str, str]]) -> None:
    """Note what the SDK will not send again."""
    failed.update(f"{item['type']}-{item['userId']}" for item in batch)


def visit(user: str) -> None:
    """Come from the campaign."""
    analytics.page(user, name="Autumn", context={**CONTEXT})
    sent.append(f"page-{user}")


def buy(user: str) -> None:
    """Order."""
    order = {"order_id": user, "revenue": 100, "currency": "NOK", "new_customer": True}
    analytics.track(user, "Order Completed", order)
    sent.append(f"track-{user}")


signal.signal(signal.SIGTERM, stop)
analytics.write_key, analytics.on_error = WRITE_KEY, given_up
setattr(analytics, ADDRESS, COLLECTOR)
print("open", flush=True)
for n in itertools.count():
    visit(f"{SHOP}-{n}")
    time.sleep(0.1)
    buy(f"{SHOP}-{n}")
    if stopped:
        break
analytics.shutdown()
print(json.dumps({"delivered": [event for event in sent if event not in failed], "failed": sorted(failed)}))
