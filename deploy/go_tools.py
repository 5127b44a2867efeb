"""Programs that are installed with Go, of a version that is said here: from the cache beside this file, else from PATH.

`make kubernetes` installs them. Imports the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from deploy.debian import CACHE, UnavailableError

PACKAGES = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0",
}
FOLDER = CACHE / "go"


def program(name: str, install: bool = False) -> Path:
    """The program, installed where it is missing and that is asked for. Raises UnavailableError."""
    cached = FOLDER / name
    if cached.exists():
        return cached
    if found := shutil.which(name):
        return Path(found)
    if not install:
        raise UnavailableError(f"{name} is not here; run make kubernetes, which installs it")
    return _installed(name)


def _installed(name: str) -> Path:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise UnavailableError(f"{name} is not here, and no Go to install it with; install either by hand")
    given = os.environ | {"GOBIN": str(FOLDER), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    done = subprocess.run([go, "install", PACKAGES[name]], env=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"go install {PACKAGES[name]}: {done.stderr.strip()[-500:]}")
    return FOLDER / name
