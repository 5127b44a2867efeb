"""The manifests of deploy/kubernetes: read, built, and held against the schemas of their kinds."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from deploy import go_tools
from deploy.debian import UnavailableError
from tests.conftest import CI

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
SCHEMAS = Path(__file__).with_name("schemas.json")
OVERLAYS = ("small", "production")
Manifest = dict[str, Any]


def tool(name: str, install: bool = False) -> Path:
    """A program of Go's; skips where it cannot be had."""
    try:
        return go_tools.program(name, install or "INSTALL" in os.environ)
    except UnavailableError as reason:
        pytest.skip(str(reason))


@cache
def built(overlay: str) -> tuple[Manifest, ...]:
    """What kustomize makes of an overlay. Installs it in CI."""
    command = [str(tool("kustomize", install=CI)), "build", str(FOLDER / "overlays" / overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=False)
    assert text.returncode == 0, text.stderr
    return tuple(yaml.safe_load_all(text.stdout))


def read(path: Path) -> list[Manifest]:
    """The manifests in a file."""
    return list(yaml.safe_load_all(path.read_text("utf-8")))


@cache
def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMAS.read_text("utf-8"))
    return found


def schema(manifest: Manifest) -> dict[str, Any]:
    """The schema of its kind."""
    known = _schemas()
    return {**known["kinds"][f"{manifest['apiVersion']}.{manifest['kind']}"], "definitions": known["definitions"]}


def faults(manifest: Manifest) -> list[str]:
    """What its kind does not allow, with the place."""
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    errors = Draft7Validator(schema(manifest)).iter_errors(manifest)
    return [f"{name}{error.json_path[1:]}: {error.message}" for error in errors]


def of(manifests: tuple[Manifest, ...], kind: str, name: str | None = None) -> list[Manifest]:
    """Those of that kind, and of that name."""
    return [each for each in manifests if each["kind"] == kind and name in (None, each["metadata"]["name"])]


def workloads(manifests: tuple[Manifest, ...]) -> list[Manifest]:
    """What makes pods."""
    return [*of(manifests, "StatefulSet"), *of(manifests, "Deployment")]


def container(workload: Manifest) -> Manifest:
    """Its only container."""
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(found)
