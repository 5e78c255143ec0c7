"""The PyTorch reference beside us, live, and replayed from recordings."""
