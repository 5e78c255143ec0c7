"""Tests of gemma_mlx/commands."""
