"""The build of the demo model: its small world, tokenizer, training and measurement."""
