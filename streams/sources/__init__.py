"""Where events come from: Kafka, files."""
