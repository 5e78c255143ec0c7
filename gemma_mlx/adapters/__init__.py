"""Adapters: LoRA wrapped around a model from outside, and the file formats that hold them."""
