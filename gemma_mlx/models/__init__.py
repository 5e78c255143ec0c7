"""Architecture alone: what a Gemma is, and nothing of files, adapters or text."""
