"""Gemma on Apple silicon: load, quantize, fine-tune, chat, with numbers proven equal to PyTorch's."""

__version__ = "0.1.0"
