"""`gemma-mlx evaluate`: loss and perplexity of a model, with or without an adapter, on a dataset."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import DatasetError
from gemma_mlx.settings import DataSettings, QuantizeSettings
from gemma_mlx.terminal.datasets import fetched
from gemma_mlx.terminal.flags import Given, JsonFlag, with_settings
from gemma_mlx.terminal.interrupt import stoppable
from gemma_mlx.terminal.loading import AdapterFlag, open_model
from gemma_mlx.terminal.output import Output
from gemma_mlx.terminal.progress import EventDrawer, follow


@with_settings(data=DataSettings, quantization=QuantizeSettings, leave_out=("dataset", "validation_split"))
def evaluate(
    model: str,
    /,
    dataset: str,
    *,
    adapter: AdapterFlag = "",
    with_base: Annotated[
        bool, Parameter(negative=(), help="Measure the base without the adapter too.")
    ] = False,
    split: Annotated[
        Literal["auto", "all", "train", "valid"],
        Parameter(
            help="Which rows; auto: the validation rows where the dataset has some of its own, else all."
        ),
    ] = "auto",
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Measure loss and perplexity on a dataset.

    Parameters
    ----------
    model
        The model's folder or name.
    dataset
        A file (jsonl, json, csv, parquet, txt) or a folder with train and valid.
    """
    values = {"dataset": fetched(dataset, out), "validation_split": 0, **given["data"]}
    settings = check_settings(DataSettings, values, "the command line")
    loaded = open_model(model, out, adapter=adapter, quantization=given["quantization"])

    from gemma_mlx.data.prepare import prepare_dataset
    from gemma_mlx.training.evaluation import evaluate as measure

    with stoppable() as interrupted:
        drawer = EventDrawer(out)
        with drawer.bars:
            prepared = prepare_dataset(
                settings, loaded.tokenizer, seed=0, progress=drawer.show, cancelled=interrupted
            )
        rows: list[Any] = []
        if split == "valid" or (split == "auto" and len(prepared.valid)):
            rows = list(prepared.valid)
        elif split == "train":
            rows = list(prepared.train)
        else:
            rows = [*prepared.train, *prepared.valid]
        if not rows:
            raise DatasetError(
                "no-rows",
                f"The dataset has no rows to measure on: --split {split} leaves none.",
                where=dataset,
                fix="Choose another --split; all takes every row.",
            )
        done = follow(measure(loaded, rows, with_base=with_base, cancel=interrupted), out)
    document = {"model": model, "adapter": adapter or None, "dataset": dataset, **done.result}
    lines = [("with the adapter" if adapter else "the model", document["loss"], document["perplexity"])]
    if "base_loss" in document:
        lines.append(("the base alone", document["base_loss"], document["base_perplexity"]))
    out.table(
        ("", ">Loss", ">Perplexity"),
        [(name, f"{loss:.4f}", f"{perplexity:.3f}") for name, loss, perplexity in lines],
        title=f"{document['rows']:,} rows, {document['tokens']:,} tokens with loss",
    )
    return document
