"""A second replay into the same database, of what is not the same."""

from pathlib import Path

from streams.clickhouse import connect
from tests.e2e.commands import maalstrom

CATALOGUE = '[[goal]]\nid = "orders"\nevent = "Order Completed"\n'
TOUCH = (
    '{"type":"track","event":"Social Interaction","messageId":"e1","timestamp":"2026-11-02T09:00:00Z","userId":"u",'
    '"context":{"campaign":{"id":"autumn"}},"properties":{"action":"click","network":"facebook"}}\n'
)
ORDER = (
    '{"type":"track","event":"Order Completed","messageId":"o1","timestamp":"2026-11-02T10:00:00Z","userId":"u",'
    '"properties":{"order_id":"1","revenue":"100"}}\n'
)


def test_more_files_of_a_period_are_refused_until_they_replace_it(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text('base_currency = "NOK"\n' + CATALOGUE)
    (tmp_path / "engagement.ndjson").write_text(TOUCH)
    (tmp_path / "checkout.ndjson").write_text(ORDER)
    dsn = f"chdb://{tmp_path / 'db' / 'clickhouse'}"
    alone = ("replay", "--checkout", "checkout.ndjson", "--catalogue", "catalogue.toml", "--clickhouse", dsn)
    both = (*alone, "--engagement", "engagement.ndjson")
    assert maalstrom(*alone, cwd=tmp_path).status == 0
    refused = maalstrom(*both, cwd=tmp_path)
    assert refused.status == 1
    assert "another replay" in refused.err
    assert maalstrom(*alone, cwd=tmp_path).status == 0
    assert maalstrom(*both, "--replace", cwd=tmp_path).status == 0
    with connect(dsn) as client:
        rows = client.query(
            "SELECT campaign, sum(conversions) AS n FROM goal_attribution_now WHERE model = 'linear' GROUP BY campaign"
        )
    assert [(row["campaign"], int(row["n"])) for row in rows] == [("autumn", 1)]
