"""A gRPC server of the program on any port of loopback."""

import grpc


def started(server: grpc.Server) -> int:
    """The port it listens on from now on."""
    port = int(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    return port
