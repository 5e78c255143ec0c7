"""Tests of gemma_mlx/training."""
