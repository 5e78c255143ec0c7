"""The process that works for the window: one job each, JSON lines in and out."""
