"""OTLP over gRPC and HTTP, into any sink: what arrives is acknowledged once the sink has it."""
