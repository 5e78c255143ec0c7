"""Any exception as an error for people: the engine's own as they are, the system's and ours in words."""

from __future__ import annotations

import errno

from gemma_mlx.errors import GemmaError

_MEMORY_WORDS = ("unable to allocate", "out of memory", "attempting to allocate", "insufficient memory")


def as_gemma_error(problem: BaseException) -> GemmaError:
    """The error to send. A full disk and exhausted memory are told from a fault of this program."""
    if isinstance(problem, GemmaError):
        return problem
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return GemmaError(
            "disk-full", "The disk is full.", where=str(problem.filename or ""),
            fix="Free some space on this disk, then try again.",
        )  # fmt: skip
    if isinstance(problem, OSError) and problem.filename:
        return GemmaError(
            "unreadable-file", f"The system refuses this file: {problem.strerror}.",
            where=str(problem.filename), fix="Check the path and your permission for it.",
        )  # fmt: skip
    text = str(problem).lower()
    if isinstance(problem, MemoryError) or any(words in text for words in _MEMORY_WORDS):
        return GemmaError(
            "out-of-memory", "This needs more memory than the machine has free.",
            fix="Close other programs, or choose a smaller model, fewer bits, smaller batches, shorter rows.",
        )  # fmt: skip
    return GemmaError(
        "internal-error", f"Something went wrong inside: {type(problem).__name__}: {problem}",
        fix="Try again. If it happens again, report it with Help > Copy Diagnostics.",
    )  # fmt: skip
