"""Tests of gemma_mlx/serving."""
