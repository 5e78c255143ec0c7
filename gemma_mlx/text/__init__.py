"""Text to ids and back, and messages to ids: the tokenizer and the chat template."""
