"""The page "finetune": view, presenter and item models."""
