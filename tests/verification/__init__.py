"""Tests of the proof: recordings, their replay, and the planted errors that it has to find."""
