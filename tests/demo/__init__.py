"""Tests of the demo model: its world, its checker, its files."""
