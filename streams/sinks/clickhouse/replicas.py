"""A cluster of one shard: statements that make tables on every replica, and settings to read what one wrote.

The servers need a Keeper and the macros `{shard}` and `{replica}`, as ClickHouse's own packages and operators set them.
"""

from __future__ import annotations

import re

# A write is there once most replicas have it, and a read asks a replica that has all of those. Blocks that look alike
# are no repeats: rows that `replay --replace` removed and writes again would be left out.
SETTINGS = {
    "insert_quorum": "auto",
    "insert_quorum_parallel": "0",
    "select_sequential_consistency": "1",
    "insert_deduplicate": "0",
    "mutations_sync": "2",
    "distributed_ddl_task_timeout": "120",
}
_NAMED = re.compile(
    r"^(CREATE (?:OR REPLACE )?(?:TABLE|VIEW|MATERIALIZED VIEW|DATABASE)(?: IF NOT EXISTS)?|ALTER TABLE|"
    r"(?:DROP|TRUNCATE) (?:TABLE|VIEW)(?: IF EXISTS)?) (`?\w+`?)",
    re.MULTILINE,
)
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?", re.MULTILINE)
_PLACE = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"


def on_cluster(statement: str, cluster: str) -> str:
    """The statement of a migration for every replica of that cluster; what it inserts is replicated by its table."""
    named = _NAMED.sub(rf"\1 \2 ON CLUSTER `{cluster}`", statement, count=1)
    return _ENGINE.sub(_replicated, named)


def _replicated(found: re.Match[str]) -> str:
    arguments = ", ".join(filter(None, (_PLACE, found[2])))
    return f"ENGINE = Replicated{found[1]}({arguments})"
