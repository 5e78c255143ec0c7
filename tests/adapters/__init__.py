"""Tests of gemma_mlx/adapters."""
