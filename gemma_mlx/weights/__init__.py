"""Weights: reading, checking, quantizing and writing them."""
