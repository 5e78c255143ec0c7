"""Where the engine's program begins, in a bundle: `worker` serves the window, all else is commands."""

import multiprocessing
import os
import sys

if __name__ == "__main__":
    multiprocessing.freeze_support()
    if sys.argv[1:] == ["worker"]:
        from gemma_mlx.worker.worker import main as work

        status = work()
        sys.stderr.flush()
        os._exit(status)  # no waiting for threads of libraries
    from gemma_mlx.cli import main

    main()
