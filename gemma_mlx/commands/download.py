"""`gemma-mlx download`: brings models from the Hub into the library; with no name it shows what there is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.errors import SettingsError
from gemma_mlx.terminal.datasets import fetched
from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.interrupt import stoppable
from gemma_mlx.terminal.output import Output, size_text
from gemma_mlx.terminal.progress import follow


def download(
    *repositories: str,
    revision: Annotated[str, Parameter(help="A branch, a tag or a commit.")] = "main",
    folder: Annotated[
        Path | None, Parameter(name="--out", help="Another place than the library; for one model.")
    ] = None,
    source: Annotated[
        Literal["huggingface", "modelscope"] | None,
        Parameter(help="Where models come from. Not given: GEMMA_MLX_SOURCE, else huggingface."),
    ] = None,
    search: Annotated[str, Parameter(help="Look for models on the Hub instead.", show_default=False)] = "",
    save_token: Annotated[
        bool, Parameter(negative=(), help="Read a token from standard input into the Keychain.")
    ] = False,
    clean: Annotated[
        bool, Parameter(negative=(), help="Remove what is left of downloads that never ended.")
    ] = False,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Bring models from the Hub, checked; what was stopped goes on. Without a name: what there is.

    Parameters
    ----------
    repositories
        Names such as google/gemma-2-2b-it, or addresses of models' pages; datasets as hf:owner/name.
    """
    if save_token:
        return _save_token(out)
    if clean:
        from gemma_mlx.library.hub import clean_partials

        freed = clean_partials(days=0)
        out.say(f"{size_text(freed)} freed.")
        return {"freed": freed}
    if search:
        return _search(search, source, out)
    if not repositories:
        return _catalogue(out)
    if folder is not None and len(repositories) > 1:
        raise SettingsError(
            "one-folder", "Several models cannot go into one folder.", where="--out",
            fix="Download one at a time, or leave --out away.",
        )  # fmt: skip

    if any(name.startswith("hf:") for name in repositories):
        return _datasets(repositories, out)

    from gemma_mlx.library.hub import download as bring
    from gemma_mlx.library.hub import download_queue

    with stoppable() as stopped:
        if len(repositories) == 1:
            work = bring(repositories[0], revision, destination=folder, source=source, cancelled=stopped)
            done = follow(work, out)
            models = [done.result]
            document = dict(done.result)
        else:
            wishes = [(name, revision) for name in repositories]
            work = download_queue(wishes, source=source, cancelled=stopped)
            done = follow(work, out)
            models = done.result["models"]
            document = done.result
    for model in models:
        if "folder" in model:
            out.say(f"[bold]{escape(model['folder'])}[/], {size_text(model['bytes'])}")
            out.suggest("gemma-mlx chat", model["repository"])
    if done.outcome == "stopped":
        out.say("Stopped; what came is kept, and the same command goes on from there.")
    return {"outcome": done.outcome, **document}


def _datasets(names: tuple[str, ...], out: Output) -> dict[str, Any]:
    """Bring datasets of the Hub.

    Raises:
        SettingsError: models' names are among them.
    """
    from gemma_mlx.library.hub_datasets import find_dataset, parse_name

    if not all(name.startswith("hf:") for name in names):
        raise SettingsError(
            "bad-settings", "Models and datasets (hf:...) are brought by commands of their own.",
            where="the command line", fix="Give either models or datasets.",
        )  # fmt: skip
    pinned = [fetched(name, out) for name in names]
    folders = [find_dataset(parse_name(name)) for name in pinned]
    for name, folder in zip(pinned, folders, strict=True):
        out.say(f"[bold]{escape(str(folder))}[/]")
        out.suggest("gemma-mlx train MODEL --dataset", name)
    return {"datasets": [{"dataset": n, "folder": f} for n, f in zip(pinned, folders, strict=True)]}


def _save_token(out: Output) -> dict[str, Any]:
    from gemma_mlx.library.hub_http import save_token

    if sys.stdin.isatty():
        # A token on the command line would stay in the shell's history.
        import getpass

        token = getpass.getpass("Token (hf_...; empty takes the kept one away): ")
    else:
        token = sys.stdin.readline()
    save_token(token)
    kept = bool(token.strip())
    out.say("The token is in the Keychain." if kept else "The token was taken away.")
    return {"kept": kept}


def _search(query: str, source: str | None, out: Output) -> dict[str, Any]:
    from gemma_mlx.library.hub_listing import search_models
    from gemma_mlx.library.modelscope import chosen_source

    if chosen_source(source) == "modelscope":
        raise SettingsError(
            "bad-settings", "Only Hugging Face's Hub is searched.", where="--search with --source modelscope",
            fix="Look at modelscope.cn/models, and give the model's owner/name.",
        )  # fmt: skip
    found = search_models(query)
    rows = [(each.repository, each.downloads, each.licence, "yes" if each.gated else "") for each in found]
    out.table(("model", ">downloads", "licence", "gated"), rows)
    return {"models": [each.as_dict() for each in found]}


def _catalogue(out: Output) -> dict[str, Any]:
    from gemma_mlx.library.catalogue import read_catalogue

    offers = read_catalogue()
    rows = [
        (
            offer.repository, offer.generation, "chat" if offer.chat else "base", offer.bits,
            size_text(offer.size), size_text(offer.memory), offer.licence, "yes" if offer.gated else "",
        )
        for offer in offers
    ]  # fmt: skip
    columns = ("model", "generation", "kind", ">bits", ">download", ">memory", "licence", "gated")
    out.table(columns, rows)
    out.aside("Sizes are worked out from the models' shapes. Next: gemma-mlx download MODEL")
    return {"models": [offer.as_dict() for offer in offers]}
