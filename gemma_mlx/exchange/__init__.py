"""Whole models to and from other programs."""
