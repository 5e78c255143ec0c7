"""Training: the loop, its losses and optimizer, checkpoints, and the forecast of what a run costs."""
