"""What the manifests run: each container's command line, with its variables alone, answers its probes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from deploy.kafka.broker import free_ports
from streams.embedded.broker import EmbeddedBroker
from streams.kafka.topics import Layout, specification
from tests.deploy.kubernetes.manifests import OVERLAYS, Manifest, built, container, of, workloads
from tests.e2e.commands import COMMAND, TOKEN_KEY, embedded

PATIENCE = 90  # s
SECRETS = {"token-key": TOKEN_KEY, "page-users": "", "write-keys": "shop 0123456789abcdef server\n"}
# What is not the same on this machine: where things are, and names that are resolved in a cluster.
ELSEWHERE = ("/run/secrets/maalstrom", "/etc/maalstrom", "/var/lib/maalstrom", "/tmp")


def _variables(manifests: tuple[Manifest, ...], workload: Manifest) -> dict[str, str]:
    """The variables of its container, as Kubernetes would set them in the first pod."""
    run = container(workload)
    maps = {each["metadata"]["name"]: each["data"] for each in of(manifests, "ConfigMap")}
    found = {name: text for each in run["envFrom"] for name, text in maps[each["configMapRef"]["name"]].items()}
    for each in run["env"]:
        source = each.get("valueFrom", {})
        if "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.name"
            found[each["name"]] = f"{workload['metadata']['name']}-0"
        elif "resourceFieldRef" in source:
            assert source["resourceFieldRef"]["resource"] == "requests.cpu"
            found[each["name"]] = run["resources"]["requests"]["cpu"]
        else:
            found[each["name"]] = each["value"]
    return found


@contextmanager
def _running(folder: Path, manifests: tuple[Manifest, ...], workload: Manifest, broker: str) -> Iterator[int]:
    """Its command in a clean environment, with its files below `folder`; yields the port of its probes."""
    port = free_ports(1)[0]
    settings = _variables(manifests, workload)
    for name, value in settings.items():
        if value.startswith(ELSEWHERE):
            settings[name] = f"{folder}{value}"
    settings |= {"BROKER_URL": f"kafka://{broker}", "MAALSTROM_DECLARE_TOPICS": "0", "PATH": os.defpath}
    settings |= {name: str(port) for name in ("WEB_PORT", "COLLECT_PORT") if name in settings}
    command = [COMMAND, *container(workload)["args"]]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=log, stderr=log)
    try:
        yield port
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert process.returncode == 0, (folder / "log").read_text()[-3000:]


def _prepared(folder: Path, manifests: tuple[Manifest, ...]) -> None:
    """Files that a pod has mounted."""
    for name in ELSEWHERE:
        Path(f"{folder}{name}").mkdir(parents=True, exist_ok=True)
    for name, text in (SECRETS | {"clickhouse": embedded(folder / "clickhouse")}).items():
        Path(f"{folder}/run/secrets/maalstrom/{name}").write_text(text)
    (catalogue,) = (each["data"] for each in of(manifests, "ConfigMap") if "catalogue.toml" in each["data"])
    Path(f"{folder}/etc/maalstrom/catalogue.toml").write_text(catalogue["catalogue.toml"])


def _answer(port: int, path: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code
    except (URLError, OSError):
        return 0


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", ["maalstrom-worker", "maalstrom-collector"])
def test_it_runs_with_what_its_manifest_says_alone(name: str, overlay: str, tmp_path: Path) -> None:
    manifests = built(overlay)
    (workload,) = (each for each in workloads(manifests) if each["metadata"]["name"] == name)
    _prepared(tmp_path, manifests)
    topics = {spec.name: spec.partitions or 2 for spec in specification(Layout())} | {"events": 2}
    broker = EmbeddedBroker(topics)
    broker.start()
    probes = [container(workload)[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")]
    try:
        with _running(tmp_path, manifests, workload, broker.bootstrap) as port:
            until = time.monotonic() + PATIENCE
            while (seen := [_answer(port, path) for path in probes]) != [200, 200]:
                assert time.monotonic() < until, (seen, (tmp_path / "log").read_text()[-3000:])
                time.sleep(0.2)
            if name == "maalstrom-worker":
                assert _answer(port, "/metrics") == 200
                assert _answer(port, "/api/dashboards") == 401, "the page asks who looks"
    finally:
        broker.stop()


def test_the_command_is_the_images() -> None:
    """Its entry point is `maalstrom`, which is what was run."""
    dockerfile = (Path(__file__).parents[3] / "deploy" / "Dockerfile").read_text("utf-8")
    assert 'ENTRYPOINT ["maalstrom"]' in dockerfile
    assert Path(COMMAND).parent == Path(sys.executable).parent
