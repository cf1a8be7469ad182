"""The gRPC server: codec, servicers, one interceptor, health and the process around them."""
