"""What a worker knows of its sink."""

from streams import failpoints
from streams.sinks.clickhouse.client import DatabaseError
from streams.telemetry import metrics


class SinkWatch:
    """Counts what the sink does, and knows what was wrong the last time that ClickHouse was written to."""

    def __init__(self) -> None:
        self.problem = "its tables are not made yet"

    def inserted(self, table: str, rows: int, seconds: float) -> None:
        """Rows are durable."""
        self.problem = ""
        metrics.SINK_ROWS.labels(table).inc(rows)
        failpoints.passing("inserted")

    def failed(self, table: str, error: DatabaseError) -> None:
        """An attempt failed."""
        self.problem = f"table {table}: {error}"
        metrics.SINK_FAILURES.inc()
