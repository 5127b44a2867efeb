"""What is done with Kafka beside the flow of events: clients, topics, dead letters, erasure."""
