"""One file for each subcommand of gemma-mlx; the list of them is in cli.py."""
