"""`python -m gemma_mlx` is `gemma-mlx`."""

from gemma_mlx.cli import main

if __name__ == "__main__":
    main()
