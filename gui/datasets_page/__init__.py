"""The page "datasets": view, presenter and item models."""
