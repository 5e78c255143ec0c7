"""The local server: OpenAI's chat-completions API over the batched engine."""
