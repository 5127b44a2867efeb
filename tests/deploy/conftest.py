"""Programs that check what is deployed: from PATH, or out of Debian's packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from deploy.debian import UnavailableError, program, unpacked
from tests.conftest import CI

T = TypeVar("T")


def _had(get: Callable[[str, str], T], name: str, package: str) -> T:
    """Skip where it cannot be had, and say why; in CI that is a failure."""
    try:
        return get(name, package)
    except UnavailableError as reason:
        if CI:
            raise
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def promtool() -> Path:
    return _had(program, "promtool", "prometheus")


@pytest.fixture(scope="session")
def amtool() -> Path:
    return _had(program, "amtool", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def alertmanager() -> list[str]:
    """The command that starts it. Debian's wants its own template in /usr/share, which it gets to itself."""
    path = _had(program, "prometheus-alertmanager", "prometheus-alertmanager")
    share = path.parents[1] / "share"
    if share == Path("/usr/share"):
        return [str(path)]
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"']
    return [*alone, str(share), str(path)]


@pytest.fixture(scope="session")
def compose_schema() -> Path:
    """The JSON schema of the compose specification, as docker-compose has it."""
    return _had(_file, "usr/lib/python3/dist-packages/compose/config/compose_spec.json", "docker-compose")


def _file(path: str, package: str) -> Path:
    return unpacked(package) / path
