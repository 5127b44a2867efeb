"""Makes schemas.json: python tests/deploy/kubernetes/make_schemas.py MODULES, the folder of Go's module cache.

Of what is used here alone: Kubernetes' own kinds from its OpenAPI file, those of operators from their definitions, all
as strict JSON schemas (an unknown field is an error) without descriptions. Get the modules with `go mod download`.
Strimzi is no Go module: its KafkaTopic is written below after its documentation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

OPENAPI = "k8s.io/kubernetes@v1.34.1/api/openapi-spec/swagger.json"
KINDS = (
    "apps.v1.Deployment",
    "apps.v1.StatefulSet",
    "core.v1.ConfigMap",
    "core.v1.Namespace",
    "core.v1.Service",
    "core.v1.ServiceAccount",
    "networking.v1.NetworkPolicy",
    "policy.v1.PodDisruptionBudget",
)
_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0/example/prometheus-operator-crd"
DEFINITIONS = (
    f"{_OPERATOR}/monitoring.coreos.com_prometheusrules.yaml",
    f"{_OPERATOR}/monitoring.coreos.com_servicemonitors.yaml",
    "github.com/kedacore/keda/v2@v2.17.2/config/crd/bases/keda.sh_scaledobjects.yaml",
)
_NUMBER = {"type": "integer", "minimum": 1}
KAFKA_TOPIC = {
    "type": "object",
    "required": ["metadata", "spec"],
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "topicName": {"type": "string"},
                "partitions": _NUMBER,
                "replicas": _NUMBER | {"maximum": 32767},
                "config": {"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}},
            },
        }
    },
}
OF_ALL = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
IN_JSON = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
}
KEPT = frozenset(
    ("type", "properties", "required", "items", "additionalProperties", "enum", "pattern", "format", "$ref")
)
BOUNDS = frozenset(("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "oneOf", "anyOf", "allOf"))


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """That schema with only what is validated by; where fields are known, no others may be there."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    kept: dict[str, Any] = {name: schema[name] for name in schema if name in KEPT | BOUNDS}
    if "properties" in kept:
        kept["properties"] = {name: strict(each) for name, each in kept["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept.setdefault("additionalProperties", False)
    for name in ("items", "additionalProperties"):
        if isinstance(kept.get(name), dict):
            kept[name] = strict(kept[name])
    return kept


def _named(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for each in schema.values():
            yield from _named(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _named(each)


def builtin(modules: Path) -> dict[str, Any]:
    """The kinds of Kubernetes, and all that they are made of, by the names of the OpenAPI file."""
    known = json.loads((modules / OPENAPI).read_text("utf-8"))["definitions"]
    found: dict[str, Any] = {}
    todo = [f"io.k8s.api.{kind}" for kind in KINDS]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = IN_JSON.get(name) or strict(known[name])
            todo += _named(found[name])
    return found


def custom(modules: Path) -> Iterator[tuple[str, Any]]:
    """The kinds of operators, each with its version."""
    for path in DEFINITIONS:
        spec = yaml.safe_load((modules / path).read_text("utf-8"))["spec"]
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"] |= OF_ALL
            yield f"{spec['group']}/{version['name']}.{spec['names']['kind']}", strict(schema)
    topic = KAFKA_TOPIC | {"properties": OF_ALL | KAFKA_TOPIC["properties"]}  # type: ignore[operator]
    yield "kafka.strimzi.io/v1beta2.KafkaTopic", strict(topic)


def schemas(modules: Path) -> dict[str, Any]:
    """All of it: `kinds` by apiVersion and kind, and `definitions` that they refer to."""
    kinds: dict[str, Any] = dict(custom(modules))
    for kind in KINDS:
        group, version, name = kind.split(".")
        api = {"core": "", "apps": "apps/", "policy": "policy/", "networking": "networking.k8s.io/"}[group] + version
        kinds[f"{api}.{name}"] = {"$ref": f"#/definitions/io.k8s.api.{kind}"}
    return {"kinds": kinds, "definitions": builtin(modules)}


if __name__ == "__main__":
    made = json.dumps(schemas(Path(sys.argv[1])), sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name("schemas.json").write_text(made + "\n", "utf-8")
