"""The desktop app. Of the engine it knows errors, events, settings, the worker's protocol and the store."""
