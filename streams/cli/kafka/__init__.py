"""What lies in Kafka: topics, dead letters, the journal, and what is known there of a person."""
