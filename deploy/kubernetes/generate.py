"""Writes what other files say already as resources of the operators: python deploy/kubernetes/generate.py

monitoring/rules.yaml from ../prometheus/rules, monitoring/service-monitor.yaml from ../prometheus/prometheus.yml, and
strimzi/topics.yaml from the topics that `maalstrom topics create` makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from streams.kafka.topics import Layout, specification
from streams.kafka.topics.spec import DEFAULT_PARTITIONS

HERE = Path(__file__).resolve().parent
PROMETHEUS = HERE.parent / "prometheus"
CLUSTER = "maalstrom"  # the name of Strimzi's Kafka
HEAD = "# Written by generate.py; change what it is made of.\n"
PARTITIONS, REPLICAS = 2 * DEFAULT_PARTITIONS, 3
Resource = dict[str, Any]


def rules() -> Iterator[Resource]:
    """A PrometheusRule for each file of rules."""
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        groups = yaml.safe_load(path.read_text("utf-8"))["groups"]
        yield _resource("monitoring.coreos.com/v1", "PrometheusRule", f"maalstrom-{path.stem}", {"groups": groups})


def service_monitor() -> Iterator[Resource]:
    """Scrapes every worker, under the name of the job that the alerts select."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    endpoint = {"port": "web", "path": "/metrics", "interval": config["global"]["scrape_interval"]}
    spec = {
        "jobLabel": "app.kubernetes.io/name",
        "selector": {"matchLabels": {"app.kubernetes.io/component": "worker"}},
        "endpoints": [endpoint],
    }
    yield _resource("monitoring.coreos.com/v1", "ServiceMonitor", "maalstrom", spec)


def topics() -> Iterator[Resource]:
    """A KafkaTopic for each topic of the pipeline."""
    for topic in specification(Layout()):
        config = {
            "cleanup.policy": topic.cleanup,
            "retention.ms": topic.retention_ms,
            "max.message.bytes": topic.max_bytes,
            "min.insync.replicas": REPLICAS - 1,
            **topic.configs,
        }
        spec = {"partitions": topic.partitions or PARTITIONS, "replicas": REPLICAS, "config": config}
        name = topic.name.replace("_", "-")
        made = _resource("kafka.strimzi.io/v1beta2", "KafkaTopic", name, {"topicName": topic.name} | spec)
        made["metadata"]["labels"] = {"strimzi.io/cluster": CLUSTER}
        yield made


def _resource(version: str, kind: str, name: str, spec: Resource) -> Resource:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


FILES = {
    "monitoring/rules.yaml": rules,
    "monitoring/service-monitor.yaml": service_monitor,
    "strimzi/topics.yaml": topics,
}


def text(file: str) -> str:
    """What that file has to say."""
    dumped = yaml.safe_dump_all(FILES[file](), sort_keys=False, allow_unicode=True, width=120)
    return HEAD + dumped


if __name__ == "__main__":
    for each in FILES:
        (HERE / each).write_text(text(each), "utf-8")
