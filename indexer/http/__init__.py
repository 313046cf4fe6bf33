"""The edge of every port that speaks HTTP, gRPC included; it knows no question and no signal."""
