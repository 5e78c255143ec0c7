"""The page "models": view, presenter and item models."""
