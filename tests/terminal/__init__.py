"""Tests of gemma_mlx/terminal."""
