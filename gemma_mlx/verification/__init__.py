"""Proof that the numbers are PyTorch's: recordings of the reference, and their replay on this machine."""
