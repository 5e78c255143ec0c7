"""Tests of the bundle: what goes in, how it is checked, how it tries itself."""
