"""Which rows are held out for validation: by file where the dataset says so, else by content and seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gemma_mlx.data.mixing import mixed
from gemma_mlx.data.sources import Sources
from gemma_mlx.data.table import TokenTable
from gemma_mlx.settings import DataSettings


def split_rows(
    table: TokenTable, sources: Sources, settings: DataSettings, seed: int, notes: list[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the rows to train on and to validate with."""
    splits = np.array([split == "valid" for split, _ in sources])
    everything = np.arange(len(table), dtype=np.int64)
    if splits.any():
        in_valid = splits[table.of_each("file")] if len(table) else np.zeros(0, dtype=bool)
        keys = table.of_each("key")
        shared = int(np.isin(keys[in_valid], keys[~in_valid]).sum())
        if shared:
            notes.append(
                f"{shared} of the validation rows occur in the training file too: their loss will flatter."
            )
        return everything[~in_valid], everything[in_valid]
    if settings.validation_split == 0:
        return everything, everything[:0]
    in_valid = _held_out(table, settings.validation_split, seed, notes)
    return everything[~in_valid], everything[in_valid]


def _held_out(table: TokenTable, share: float, seed: int, notes: list[str]) -> npt.NDArray[np.bool_]:
    """Which rows to validate with: whole groups of equal content, in the order of a hash with the seed."""
    keys = table.of_each("key")
    unique, group_of, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    chosen = np.zeros(len(unique), dtype=bool)
    if len(unique) > 1:
        room = max(1, round(share * len(keys)))
        order = np.argsort(mixed(unique, seed), kind="stable")
        for group in order:
            if sizes[group] <= room and chosen.sum() < len(unique) - 1:
                chosen[group] = True
                room -= sizes[group]
                if room == 0:
                    break
        if not chosen.any():  # every row has copies: the smallest group
            chosen[order[np.argmin(sizes[order])]] = True
        return np.asarray(chosen[group_of])
    in_valid = np.zeros(len(keys), dtype=bool)
    places = np.stack([table.of_each("file"), table.of_each("line")], axis=1)
    if len(np.unique(places, axis=0)) > 1:
        in_valid = (places == places[-1]).all(axis=1)
        notes.append("All rows say the same, so validation measures only what was learned by heart.")
    else:
        notes.append("There is only one row, so none is held out for validation.")
    return in_valid
