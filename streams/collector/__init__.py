"""What takes events in over HTTP, for who has no producer to Kafka: Segment's API, webhooks, links, a pixel."""
