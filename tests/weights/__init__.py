"""Tests of the weights wing."""
