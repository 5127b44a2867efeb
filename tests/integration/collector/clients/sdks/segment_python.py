"""A shop's server with segment-analytics-python."""

import os
import time

import segment.analytics as analytics

COLLECTOR, WRITE_KEY, CAMPAIGN = (os.environ[name] for name in ("COLLECTOR", "WRITE_KEY", "CAMPAIGN"))
analytics.write_key, analytics.host = WRITE_KEY, COLLECTOR
WHO, USER = "anonymous-segment-python", "user-segment-python"
CONTEXT = {"campaign": {"name": CAMPAIGN, "source": "facebook", "medium": "social"}}
ORDER = {"order_id": "order-segment-python", "revenue": 349, "currency": "NOK", "new_customer": True}


def failed(error: Exception, _: object) -> None:
    """Tell the test."""
    print(error, flush=True)
    os._exit(1)


analytics.on_error = failed
analytics.page(anonymous_id=WHO, name="Autumn", properties={"url": "https://shop.example/autumn"}, context=CONTEXT)
analytics.identify(USER, {"email": "ida@shop.example"}, anonymous_id=WHO)
analytics.track(USER, "Product Viewed", {"product_id": "p1", "price": 349}, anonymous_id=WHO)
time.sleep(0.5)  # nobody buys in the millisecond in which they come
analytics.track(USER, "Order Completed", ORDER, anonymous_id=WHO)
analytics.shutdown()
