"""Benchmarks against a peer measured in the same run: `make bench`, `gemma-mlx bench`."""
