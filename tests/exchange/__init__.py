"""Tests of gemma_mlx/exchange."""
