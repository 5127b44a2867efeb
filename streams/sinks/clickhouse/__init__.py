"""ClickHouse: its client, migrations, and what is written there beside the flow of rows."""
