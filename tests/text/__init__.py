"""Tests of gemma_mlx/text."""
