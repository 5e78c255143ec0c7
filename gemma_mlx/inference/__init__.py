"""Inference: from a loaded model and a prompt to text."""
