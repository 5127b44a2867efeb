"""Segment's HTTP API: what is taken, what is refused and with which words, and what is recorded."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.collector.conftest import BROWSER, ORIGIN, SERVER, Site

PATHS = {
    "track": "t", "page": "p", "screen": "s", "identify": "i", "alias": "a", "group": "g", "batch": "b",
}  # fmt: skip


def now(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("path", [path for pair in PATHS.items() for path in pair])
def test_every_call_is_taken_by_its_long_and_its_short_name(site: Site, path: str) -> None:
    call = {"userId": f"every-{path}", "messageId": f"m-{path}", "event": "Product Viewed", "previousId": "p"}
    batch = path in ("batch", "b")
    sent = {"batch": [{**call, "type": "track"}]} if batch else call
    assert site.post(f"/v1/{path}", sent, SERVER)[:2] == (200, {"success": True})
    (event,) = site.recorded(f"every-{path}")
    names = {short: long for long, short in PATHS.items()}
    assert event["type"] == ("track" if batch else names.get(path, path))
    assert event["messageId"] == f"m-{path}"


def test_imports_and_beacons_are_taken(site: Site) -> None:
    page = {"type": "page", "anonymousId": "beacon", "timestamp": now(days=20)}
    assert site.post("/v1/import", {"batch": [page]}, SERVER).status == 200
    sent = json.dumps({"batch": [page]}).encode()
    plain = {"Content-Type": "text/plain;charset=UTF-8"}
    assert site.ask("POST", f"/beacon/v1/batch?writeKey={BROWSER}", sent, plain).status == 200
    assert len(site.recorded("beacon")) == 2


def test_the_write_key_may_stand_in_the_body(site: Site) -> None:
    call = {"writeKey": BROWSER, "userId": "in-body"}
    assert site.post("/v1/page", call, key="").status == 200
    assert "writeKey" not in site.recorded("in-body")[0]
    assert site.post("/v1/page", {"userId": "in-body"}, key="").status == 401
    assert site.post("/v1/page", {**call, "writeKey": "another"}, key="").status == 401
    assert site.post("/v1/page", call, key="another-key").status == 401
    assert site.ask("POST", "/v1/page", b"{}", {"Authorization": "Basic ????"}).status == 401


def test_nobody_is_named_but_by_the_id(site: Site) -> None:
    context = {"ip": "192.0.2.7", "userAgent": "Mozilla", "userAgentData": {"a": 1}, "traits": {"email": "a@b.example"},
               "campaign": {"name": "autumn"}}  # fmt: skip
    call = {"userId": "unnamed", "traits": {"email": "a@b.example"}, "context": context, "ip": "192.0.2.7"}
    headers = {"X-Forwarded-For": "192.0.2.7", "User-Agent": "Mozilla/5.0"}
    assert site.post("/v1/identify", call, headers=headers).status == 200
    (event,) = site.recorded("unnamed")
    assert event["context"] == {"campaign": {"name": "autumn"}}
    told = json.dumps(event) + site.process.said() + site.process.get("/metrics")[1]
    for word in ("192.0.2.7", "Mozilla", "a@b.example", "traits", "unnamed-never"):
        assert word not in told
    assert "unnamed" not in site.process.said()


def test_a_sender_whose_clock_is_wrong_is_corrected(site: Site) -> None:
    call = {"userId": "clock", "timestamp": "2031-01-01T00:00:00.000Z", "sentAt": "2031-01-01T00:00:30.000Z"}
    before = time.time()
    assert site.post("/v1/page", call).status == 200
    (event,) = site.recorded("clock")
    assert event["originalTimestamp"] == "2031-01-01T00:00:00.000Z"
    assert before - 1 <= seconds(event["receivedAt"]) <= time.time() + 1
    assert seconds(event["receivedAt"]) - seconds(event["timestamp"]) == pytest.approx(30)


def test_of_a_batch_the_time_of_sending_holds_for_all(site: Site) -> None:
    items = [{"type": "page", "userId": "clocks", "originalTimestamp": "2031-01-01T00:00:00Z"},
             {"type": "page", "userId": "clocks"}]  # fmt: skip
    assert site.post("/v1/batch", {"batch": items, "sentAt": "2031-01-01T00:00:10Z"}).status == 200
    ages = [seconds(e["receivedAt"]) - seconds(e["timestamp"]) for e in site.recorded("clocks")]
    assert sorted(ages) == pytest.approx([0, 10])


def test_a_message_without_an_id_gets_one_of_its_bytes(site: Site) -> None:
    call = {"userId": "no-id", "event": "Product Viewed", "type": "track"}
    for sent in (call, {**call, "sentAt": now()}, {**call, "event": "Another"}, {**call, "messageId": "null"}):
        assert site.post("/v1/track", sent).status == 200
    first, again, other, placeholder = (event["messageId"] for event in site.recorded("no-id"))
    assert first == again
    assert len({first, other, placeholder}) == 3
    assert "null" not in (first, other, placeholder)


def test_the_key_is_the_user_token(site: Site) -> None:
    batch = [{"type": "page", "userId": "null", "anonymousId": "token-anonymous", "messageId": "t1"},
             {"type": "page", "messageId": "token-message"},
             {"type": "page", "userId": 4711, "messageId": "t3"}]  # fmt: skip
    assert site.post("/v1/batch", {"batch": batch}).status == 200
    keys = {json.loads(value)["messageId"]: key for key, value, headers in site.records() if not headers}
    assert (keys["t1"], keys["token-message"], keys["t3"]) == (b"token-anonymous", b"token-message", b"4711")


def test_of_a_mixed_batch_the_good_ones_are_taken(site: Site) -> None:
    batch = [
        {"type": "page", "userId": "mixed"}, 1, {"userId": "mixed"}, {"type": "track", "userId": "mixed"},
        {"type": "track", "event": "Social Interaction", "userId": "mixed", "properties": {"network": "x"}},
        {"type": "page", "userId": "mixed", "timestamp": now(hours=-3)},
        {"type": "page", "userId": "mixed", "properties": {"x": "x" * 33_000}}, {"type": "page", "userId": "mixed"},
    ]  # fmt: skip
    answer = site.post("/v1/batch", {"batch": batch})
    assert answer.status == 200
    assert answer.body["success"] is True
    told = {fault["index"]: fault["field"] for fault in answer.body["rejected"]}
    assert told == {1: "", 2: "type", 3: "event", 4: "properties.action", 5: "timestamp", 6: ""}
    assert all(fault["error"] for fault in answer.body["rejected"])
    assert len(site.recorded("mixed")) == 2


def test_where_nothing_is_usable_it_says_so(site: Site) -> None:
    answer = site.post("/v1/batch", {"batch": [{"type": "nonsense"}, 7]})
    assert (answer.status, answer.body["success"], len(answer.body["rejected"])) == (400, False, 2)
    for body in (b"", b"[]", b"{", b'"', b"\xff", b'{"a":' * 2000, b'{"batch": {}}'):
        assert site.post("/v1/batch", body).status == 400
    answer = site.post("/v1/track", {"userId": "u"})
    assert (answer.status, answer.body["code"], answer.body["message"]) == (400, "bad_request", answer.body["error"])
    assert site.post("/v1/batch", {"batch": []}).status == 200


@pytest.mark.parametrize("event", ["Order Updated", "order_refunded", "ORDER  CANCELLED", "Order%20Refunded"])
def test_a_browser_changes_no_orders(site: Site, event: str) -> None:
    call = {"event": event, "userId": "orders", "properties": {"order_id": f"1-{event}"}}
    assert site.post("/v1/track", call).status == 403
    mixed = {"batch": [{**call, "type": "track"}, {"type": "page", "userId": "beside"}]}
    answer = site.post("/v1/batch", mixed)
    assert answer.status == 200
    assert [(fault["index"], fault["field"]) for fault in answer.body["rejected"]] == [(0, "event")]
    assert site.recorded("orders") == []
    assert site.post("/v1/track", {**call, "userId": f"s-{event}"}, SERVER).status == 200
    assert len(site.recorded(f"s-{event}")) == 1


def test_a_browser_joins_no_people_and_imports_nothing(site: Site) -> None:
    alias = {"userId": "joined", "previousId": "somebody"}
    assert site.post("/v1/alias", alias).status == 403
    assert site.post("/v1/batch", {"batch": [{**alias, "type": "alias"}]}).status == 403
    assert site.post("/v1/track", {**alias, "type": "alias", "event": "Product Viewed"}).status == 200
    assert [event["type"] for event in site.recorded("joined")] == ["track"]
    assert site.post("/v1/import", {"batch": []}).status == 403
    assert site.post("/v1/page", {"userId": "old", "timestamp": now(days=60)}).status == 400
    assert site.post("/v1/page", {"userId": "old", "timestamp": now(days=60)}, SERVER).status == 200


def test_a_batch_within_a_batch_is_none(site: Site) -> None:
    inner = {"batch": [{"type": "alias", "userId": "inner", "previousId": "p"}]}
    assert site.post("/v1/batch", {"batch": [inner]}).status == 400
    assert site.post("/v1/batch", {"batch": [{**inner, "type": "page", "userId": "inner"}]}).status == 200
    assert [event["type"] for event in site.recorded("inner")] == ["page"]


def test_gzip_is_unpacked_within_bounds(site: Site) -> None:
    batch = {"batch": [{"type": "page", "userId": "gzip", "n": n} for n in range(100)]}
    assert site.post("/v1/batch", batch, packed=True).status == 200
    assert len(site.recorded("gzip")) == 100
    memory = site.process.memory()
    for _ in range(20):
        assert site.post("/v1/batch", b" " * (200 << 20), packed=True).status == 413
    assert site.process.memory() < memory + (32 << 20)
    assert site.post("/v1/batch", b"no gzip", headers={"Content-Encoding": "gzip"}).status == 400
    assert site.post("/v1/batch", b"{}", headers={"Content-Encoding": "br"}).status == 415


def test_what_is_too_large_is_refused(site: Site) -> None:
    assert site.post("/v1/page", {"userId": "large", "x": "x" * (32 << 10)}).status == 413
    assert site.post("/v1/page", {"userId": "large", "x": "x" * (31 << 10)}).status == 200
    item = {"type": "page", "userId": "large", "x": "x" * (31 << 10)}
    assert site.post("/v1/batch", {"batch": [item] * 15}).status == 200
    assert site.post("/v1/batch", {"batch": [item] * 17}).status == 413
    assert site.post("/v1/batch", {"batch": [{}] * 10_001}).status == 413


def test_other_kinds_of_content_are_refused(site: Site) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; charset=utf-16"):
        assert site.post("/v1/page", {"userId": "u"}, headers={"Content-Type": kind}).status == 415
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # RudderStack's SDK for Node.js says so of packed JSON
    assert site.post("/v1/page", {"userId": "u"}, headers=form, packed=True).status == 200
    assert site.ask("GET", "/v1/page").status == 405
    assert site.ask("POST", "/v1/nothing").status == 404
    assert site.ask("GET", "/v1/page").headers["Allow"] == "POST"
    assert site.ask("HEAD", "/health").status == 200


@pytest.mark.parametrize("path", ["/v1/page", "/v1/nothing", "/health"])
def test_a_sender_that_expects_what_there_is_not_is_told(site: Site, path: str) -> None:
    assert site.ask("POST", path, b"{}", {"Expect": "10\xc7-continue"}).status == 417


def test_pages_of_named_origins_may_call(site: Site) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    answer = site.ask("OPTIONS", "/v1/batch", headers=asked)
    assert answer.status in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    for status, key in ((200, BROWSER), (401, "another-key")):
        answer = site.post("/v1/page", {"userId": "cors"}, key, {"Origin": ORIGIN})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
    strange = site.ask("OPTIONS", "/v1/batch", headers={**asked, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in strange.headers
    assert (
        "Access-Control-Allow-Origin"
        not in site.post("/v1/page", {}, headers={"Origin": "https://evil.example"}).headers
    )
