"""Work on rows that keeps its input alone: computed again, some rows at a time, in the backward pass.

A feed-forward's arrays are a multiple of all else that a layer holds; taken a piece of the rows after the
other, they are no longer than a piece, whatever the batch and its length. N rows, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx

Arrays = dict[str, mx.array]
PIECE_BYTES = 64 * 2**20
"""Float32 bytes of the widest array of one piece, by default."""


def piece_rows(rows: int, widest: int, piece_bytes: int = PIECE_BYTES) -> int:
    """Rows in a piece, so that pieces are of nearly equal size and at least 64: `widest` numbers a row."""
    most = max(64, piece_bytes // (4 * widest))
    pieces = -(-rows // most)
    return -(-rows // pieces)


def by_pieces(
    work: Callable[[Arrays, mx.array], mx.array],
    parameters: Arrays,
    x: mx.array,
    size: int,
    begin_piece: Callable[[int], None] | None = None,
) -> mx.array:
    """`work(parameters, x)` of rows x (N, D) to (N, ...), `size` rows at a time, one after the other.

    `work` has to treat each row by itself, and do the same when it is called again; `begin_piece` is told the
    number of the piece before each call and 0 after it, for what has to differ between pieces (dropout).
    Gradients go to x and to the parameters, which add up over the pieces in float32.
    """
    names = list(parameters)
    cuts = [(begin, min(begin + size, x.shape[0])) for begin in range(0, x.shape[0], size)]

    def call(piece: int, part: mx.array, values: list[mx.array]) -> mx.array:
        if begin_piece is None:
            return work(dict(zip(names, values, strict=True)), part)
        begin_piece(piece)
        try:
            return work(dict(zip(names, values, strict=True)), part)
        finally:
            begin_piece(0)

    @mx.custom_function
    def worked(x: mx.array, *values: mx.array) -> mx.array:
        results: list[mx.array] = []
        for piece, (begin, end) in enumerate(cuts):
            part = x[begin:end]
            # Without this tie, lazy evaluation would let the pieces live side by side.
            results.append(call(piece, mx.depends(part, results[-1]) if results else part, list(values)))
        return results[0] if len(results) == 1 else mx.concatenate(results)

    @worked.vjp
    def worked_vjp(
        primals: tuple[mx.array, ...] | mx.array, cotangent: mx.array, output: mx.array
    ) -> tuple[mx.array, ...] | mx.array:
        x, *values = primals if names else (primals,)  # MLX gives a single input as it is
        slopes: list[mx.array] = []
        sums: list[mx.array] = []
        for piece, (begin, end) in enumerate(cuts):
            # Tied to what comes back, so that no layer computes again before its turn.
            part = mx.depends(x[begin:end], [slopes[-1], *sums] if slopes else cotangent)

            def once(part: mx.array, *values: mx.array, piece: int = piece) -> mx.array:
                return call(piece, part, list(values))

            _, found = mx.vjp(once, [part, *values], [cotangent[begin:end]])
            slopes.append(found[0])
            wide = [slope.astype(mx.float32) for slope in found[1:]]
            sums = [total + slope for total, slope in zip(sums, wide, strict=True)] if sums else wide
        whole = slopes[0] if len(slopes) == 1 else mx.concatenate(slopes)
        totals = [total.astype(value.dtype) for total, value in zip(sums, values, strict=True)]
        return (whole, *totals) if names else whole

    return worked(x, *parameters.values())  # type: ignore[return-value]  # MLX's stubs give no type
