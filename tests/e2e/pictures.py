"""Pictures of every dashboard in both languages, on a screen, a phone and paper: `make pictures` writes them.

What is shown is a simulated month with costs, a holdout and a list of members; `docs/page.png` is one of them.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from streams import simulate
from tests.conftest import serving
from tests.e2e.browser import Tab, browser
from tests.e2e.commands import Month, embedded, maalstrom, ok
from tests.e2e.pages import page
from tests.e2e.stage import DASHBOARDS, DRAWN

ROOT = Path(__file__).parents[2]
SIZES = {"screen": (1440, 900), "phone": (400, 860)}
THEMES = ("light", "dark")
_TALLEST = 12_000  # px


def main(folder: Path) -> None:
    """Write every picture into the folder, and the one of the documentation."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="maalstrom-pictures-") as made:
        database = _month(Path(made))
        with serving(database) as address:
            asyncio.run(_taken(f"clickhouse://{address}/maalstrom", folder))
    shutil.copy(folder / "overview-screen-light.png", ROOT / "docs" / "page.png")


def _month(folder: Path) -> Path:
    """A database with a month that ended yesterday."""
    start = (datetime.now(UTC) - timedelta(days=31)).date()
    env = {"MAALSTROM_CLICKHOUSE": embedded(folder / "clickhouse"), "MAALSTROM_TOKEN_KEY": "sixteen letters!"}
    ok(maalstrom("simulate", folder, "--events", "60000", "--holdout", "0.1", "--start", str(start), env=env))
    catalogue = folder / "catalogue.toml"
    deadline = datetime.now(UTC).date() + timedelta(days=20)
    catalogue.write_text(re.sub(r"(?m)^by = .*$", f"by = {deadline}", catalogue.read_text("utf-8")), "utf-8")
    costs = folder / "costs.ndjson"
    costs.write_bytes(b"".join(cost.value + b"\n" for cost in simulate.costs(simulate.Scenario(start=start))))
    members = folder / "members.txt"
    members.write_text("".join(f"user-{number:07d}\n" for number in range(0, 20_000, 3)), "utf-8")
    ok(maalstrom("audience", "import", "Members", members, env=env))
    ok(maalstrom("replay", *Month(folder).arguments, "--costs", costs, env=env))
    return folder / "clickhouse"


async def _taken(dsn: str, folder: Path) -> None:
    async with browser() as tab, page(dsn, watched=False) as address, page(dsn) as worker:
        for uid in (f"{name}{language}" for language in ("", "-nb") for name in DASHBOARDS if name != "pipeline"):
            await _of_dashboard(tab, f"{address}/d/maalstrom-{uid}", folder / uid)
        await _of_dashboard(tab, f"{worker}/d/maalstrom-pipeline", folder / "pipeline")


async def _of_dashboard(tab: Tab, address: str, path: Path) -> None:
    for theme in THEMES:
        await tab.theme(theme)
        for size, (width, height) in SIZES.items():
            await tab.size(width, height, mobile=size == "phone")
            await tab.go(address)
            await tab.until(f"location.href === '{address}' && {DRAWN}")
            await tab.picture(path.with_name(f"{path.name}-{size}-{theme}.png"))
            if size == "screen" and theme == "dark":
                path.with_suffix(".pdf").write_bytes(await tab.printed())
            whole = min(_TALLEST, int(await tab.run("document.documentElement.scrollHeight")))
            await tab.size(width, whole, mobile=size == "phone")
            await asyncio.sleep(0.3)  # charts are painted anew
            await tab.picture(path.with_name(f"{path.name}-{size}-{theme}-whole.png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "pictures")
