"""Linear goal attribution with ClickHouse alone (chDB, in this process): JSON as it comes from confluent-kafka goes into Null
tables, materialized views take the columns out of it into MergeTree tables (as with ClickHouse's Kafka engine), and once a
second SQL attributes the orders since the oldest event of that second anew and writes absolute totals. Offsets are committed
after that. No Python touches an event, except that the values are joined with newlines."""

import json
import os
import time
from collections.abc import Mapping

from chdb import session
from confluent_kafka import Consumer
from job import ALIASES, CLASSES, COUPONS, Progress

EVENTS, TOPICS = (
    int(os.environ["EVENTS"]),
    [os.environ.get("ENGAGEMENT", "engagement"), os.environ.get("CHECKOUT", "checkout")],
)
RAW = """event String, messageId String, timestamp DateTime64(3, 'UTC'), userId Nullable(String), anonymousId Nullable(String),
context Tuple(campaign Tuple(id Nullable(String), name Nullable(String)),
              consent Tuple(categoryPreferences Tuple(advertising Nullable(Bool)))),
properties Tuple(action Nullable(String), network Nullable(String), coupon Nullable(String))"""
SETTINGS = """SET input_format_skip_unknown_fields = 1; SET input_format_json_ignore_unknown_keys_in_named_tuple = 1;
SET input_format_json_defaults_for_missing_elements_in_named_tuple = 1; SET date_time_input_format = 'best_effort'; SET max_threads = 2;
SET input_format_parallel_parsing = 0"""


def mapped(column: str, names: Mapping[str, object], default: str) -> str:
    froms, tos = ", ".join(f"'{k}'" for k in names), ", ".join(repr(v) for v in names.values())
    return f"transform({column}, [{froms}], [{tos}], {default})"


NAME = "lowerUTF8(coalesce(nullIf(context.campaign.id, ''), nullIf(context.campaign.name, ''), ''))"
CAMPAIGN = mapped(NAME, ALIASES, NAME)
USER = "coalesce(nullIf(userId, ''), nullIf(anonymousId, ''), '')"
DENIED = "coalesce(context.consent.categoryPreferences.advertising = false, false)"
SCHEMA = f"""CREATE DATABASE IF NOT EXISTS a;
CREATE TABLE a.raw_engagement ({RAW}) ENGINE = Null;
CREATE TABLE a.raw_checkout ({RAW}) ENGINE = Null;
CREATE TABLE a.touches (user String, at DateTime64(3, 'UTC'), id UUID, kind Int8, campaign LowCardinality(String), network LowCardinality(String))
    ENGINE = ReplacingMergeTree ORDER BY (user, at, id);
CREATE TABLE a.orders (user String, at DateTime64(3, 'UTC'), id UUID, own LowCardinality(String), denied Bool)
    ENGINE = ReplacingMergeTree ORDER BY (at, id);
CREATE TABLE a.totals (minute DateTime('UTC'), campaign LowCardinality(String), credit Float64, version UInt64)
    ENGINE = ReplacingMergeTree(version) ORDER BY (minute, campaign);
CREATE TABLE a.fresh (at DateTime64(3, 'UTC')) ENGINE = Memory;
CREATE MATERIALIZED VIEW a.to_fresh TO a.fresh AS SELECT min(timestamp) AS at FROM a.raw_engagement;
CREATE MATERIALIZED VIEW a.to_fresh_orders TO a.fresh AS SELECT min(timestamp) AS at FROM a.raw_checkout;
CREATE MATERIALIZED VIEW a.to_touches TO a.touches AS SELECT {USER} AS user, timestamp AS at, toUUID(messageId) AS id,
    {mapped("coalesce(properties.action, '')", CLASSES, "-1")} AS kind, lower(coalesce(properties.network, '')) AS network,
    if({NAME} != '', {CAMPAIGN}, {mapped("coalesce(properties.coupon, '')", COUPONS, "concat('(', network, ')')")}) AS campaign
    FROM a.raw_engagement WHERE event = 'Social Interaction' AND kind >= 0 AND user != '' AND NOT {DENIED};
CREATE MATERIALIZED VIEW a.to_orders TO a.orders AS SELECT {USER} AS user, timestamp AS at, toUUID(messageId) AS id,
    if({NAME} != '', {CAMPAIGN}, {mapped("coalesce(properties.coupon, '')", COUPONS, "''")}) AS own, {DENIED} AS denied
    FROM a.raw_checkout WHERE event = 'Order Completed'"""
ATTRIBUTE = """INSERT INTO a.totals
WITH toStartOfMinute(toDateTime64('{since}', 3, 'UTC')) AS since
SELECT toStartOfMinute(at) AS minute, given.1 AS campaign, sum(given.2) AS credit, {version} AS version
FROM (
    SELECT id, at, arrayMap(p -> p.2, groupArrayIf(DISTINCT (t.id, t.campaign), NOT denied AND t.campaign != '' AND t.at <= at
               AND at - t.at <= multiIf(t.kind = 0, 7 * 86400, 86400))) AS touched,
           if(any(denied) OR any(own) = '' OR has(touched, any(own)), touched, arrayPushBack(touched, any(own))) AS some,
           if(empty(some), [''], some) AS found
    FROM (SELECT * FROM a.orders FINAL WHERE at >= since) AS o
    LEFT JOIN (SELECT user, at, id, kind, toString(campaign) AS campaign FROM a.touches
               WHERE at >= since - INTERVAL 7 DAY AND user IN (SELECT user FROM a.orders WHERE at >= since AND user != '')) AS t
    ON o.user = t.user GROUP BY id, at
) ARRAY JOIN arrayPushBack(arrayMap(c -> (c, 1 / length(found)), found), ('', 0.)) AS given  -- an order that was unattributed may be no more
GROUP BY minute, campaign"""


def main() -> None:
    db = session.Session(os.environ["STATE"] + "/ch")
    for statement in (SETTINGS + ";" + SCHEMA).split(";"):
        db.query(statement)
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["BOOTSTRAP"],
            "group.id": os.environ["GROUP"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 4 << 20,
            "queued.max.messages.kbytes": 65536,
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.subscribe(TOPICS)
    progress, ticked, seen = Progress(), time.monotonic(), 0
    while seen < EVENTS:
        batch = consumer.consume(50_000, 0.2)
        if batch and not seen:
            progress.say("FIRST")
        for topic, table in zip(TOPICS, ("raw_engagement", "raw_checkout"), strict=True):
            values = [m.value() for m in batch if m.topic() == topic]
            if values:
                db.query(f"INSERT INTO a.{table} FORMAT JSONEachRow " + b"\n".join(values).decode())
        seen += len(batch)
        if seen and (time.monotonic() - ticked >= 1 or seen >= EVENTS):
            since = str(db.query("SELECT min(at) FROM a.fresh", "TSV")).strip()
            db.query(ATTRIBUTE.format(version=time.time_ns(), since=since))
            db.query("TRUNCATE TABLE a.fresh")
            consumer.commit(asynchronous=True)
            ticked = time.monotonic()
    progress.say("DONE")
    found = str(
        db.query(
            "SELECT toString(campaign), sum(credit) FROM a.totals FINAL GROUP BY campaign FORMAT JSONCompactEachRow"
        )
    )
    print("TOTALS", json.dumps(dict(json.loads(line) for line in found.splitlines())), flush=True)
    consumer.close()


main()
