"""The page "chat": view, presenter and item models."""
