"""The dashboards' PromQL, as Prometheus reads it."""

import json
import subprocess
from pathlib import Path

from tests.support.dashboards import targets


def test_prometheus_can_read_every_expression(promtool: Path, tmp_path: Path) -> None:
    expressions = [target["expr"] for _, _, target in targets() if "expr" in target]
    assert expressions
    rules = [
        {"record": f"panel:query:{n}", "expr": expression.replace("$__rate_interval", "5m")}
        for n, expression in enumerate(expressions)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # JSON is YAML
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
