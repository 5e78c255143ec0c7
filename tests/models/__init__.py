"""Tests of gemma_mlx/models."""
