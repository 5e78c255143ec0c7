"""Tests of gemma_mlx/benchmarks."""
