"""The terminal: settings as flags, events as bars, results for people or as one JSON document."""
