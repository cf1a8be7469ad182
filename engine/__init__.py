"""The decision engine: a pure core, adapters around it, services, and a gRPC server on top."""
