"""A broker of Apache Kafka for tests."""
