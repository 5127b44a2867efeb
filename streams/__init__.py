"""maalstrom: real-time goal attribution from Kafka to ClickHouse."""
