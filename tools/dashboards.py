"""The dashboards of leaders and managers in each other language: `python -m tools.dashboards` writes them."""

from __future__ import annotations

import json
from pathlib import Path

from streams.texts import LANGUAGES
from streams.texts.dashboards import translated
from streams.texts.language import DASHBOARDS, sections

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"
LEFT = ("pipeline",)  # for who runs it: the words of its tools are English
OTHERS = tuple(code for code in LANGUAGES if code != "en")


def files() -> dict[Path, str]:
    """Each file with what it is to hold."""
    english = [path for path in sorted(FOLDER.glob("*.json")) if path.stem not in LEFT]
    return {FOLDER / code / path.name: _text(path, code) for code in OTHERS for path in english}


def _text(path: Path, code: str) -> str:
    made = translated(json.loads(path.read_text("utf-8")), code, sections(code)[DASHBOARDS])
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def write() -> None:
    """Write every file anew."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    write()
