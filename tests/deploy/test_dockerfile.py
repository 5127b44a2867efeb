"""The image: its Dockerfile's references; and, with the faults, its steps in an environment of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.commands import environment

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IGNORED = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").split()


class Step(NamedTuple):
    """An instruction and what is said to it."""

    word: str
    rest: str


def stages() -> list[list[Step]]:
    """The instructions of every stage, the first of each being FROM."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text("utf-8"))
    found: list[list[Step]] = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            step = Step(*line.split(" ", 1))
            if step.word == "FROM":
                found.append([])
            found[-1].append(step)
    return found


BUILD, FINAL = stages()


def copied(stage: list[Step]) -> Iterator[tuple[list[str], str]]:
    """What a stage copies from this folder: sources and target."""
    for step in stage:
        if step.word == "COPY" and "--from" not in step.rest:
            *sources, target = step.rest.split()
            yield sources, target


def test_what_is_copied_exists_and_is_sent_to_the_builder() -> None:
    sources = [source for sources, _ in copied(BUILD) for source in sources]
    assert all((ROOT / source).exists() for source in sources)
    assert IGNORED[0] == "*"
    assert sorted(line.removeprefix("!") for line in IGNORED if line.startswith("!")) == sorted(sources)
    assert not list(copied(FINAL))


def test_the_wheel_finds_all_that_it_takes_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], "LICENSE", "pyproject.toml"}
    assert needed <= {source for sources, _ in copied(BUILD) for source in sources}


def test_the_image_is_pinned_and_not_roots() -> None:
    names = [stage[0].rest.split()[0] for stage in (BUILD, FINAL)]
    assert names[0] == names[1]
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", names[0])
    users = [step.rest for step in FINAL if step.word == "USER"]
    assert users == ["10001:10001"]
    words = [step.word for step in FINAL]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "RUN" not in words, "the final stage is only put together"


def build(folder: Path) -> None:
    """Do the steps of the build stage with `folder` in the place of /; there is no compiler."""
    work = folder
    for word, rest in BUILD[1:]:
        if word == "WORKDIR":
            work = folder / rest.lstrip("/")
            work.mkdir(parents=True)
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, work / target)
        else:
            assert word == "RUN"
            command = re.sub(r"(?<!\S)/(?=\w)", f"{folder}/", rest)
            subprocess.run(["sh", "-c", command], cwd=work, env=environment() | {"CC": "false"}, check=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@pytest.mark.faults  # it installs everything once more
def test_the_steps_make_a_maalstrom_that_works(tmp_path: Path) -> None:
    build(tmp_path)
    shutil.rmtree(tmp_path / "src")
    (program,) = [json.loads(step.rest)[0] for step in FINAL if step.word == "ENTRYPOINT"]
    assert "PATH=/opt/maalstrom/bin:" in next(step.rest for step in FINAL if step.word == "ENV")
    installed = tmp_path / "opt" / "maalstrom" / "bin"

    def run(*arguments: str) -> str:
        command = [str(installed / program), *arguments]
        return subprocess.check_output(command, cwd=tmp_path, env=environment(), text=True)

    run("simulate", "month", "--events", "2000")
    files = ("--engagement", "month/engagement.ndjson", "--checkout", "month/checkout.ndjson")
    assert "100 new customers in the shop" in run("replay", *files, "--catalogue", "month/catalogue.toml")
    where = [str(installed / "python"), "-c", "import streams, pathlib; print(pathlib.Path(streams.__file__).parent)"]
    package = Path(subprocess.check_output(where, cwd=tmp_path, text=True).strip())
    assert tmp_path in package.parents
    assert (package / "grafana" / "dashboards" / "goals.json").exists()
