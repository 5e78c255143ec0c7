"""`gemma-mlx serve`: answers other programs over OpenAI's API, on loopback unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.markup import escape

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError, SettingsError
from gemma_mlx.settings import QuantizeSettings, SamplingSettings
from gemma_mlx.terminal.flags import Given, JsonFlag, with_settings, within
from gemma_mlx.terminal.loading import find_adapter, open_model
from gemma_mlx.terminal.output import Output

TOKEN_FILE = "serve-token"
MEGABYTE = 1_000_000


@with_settings(sampling=SamplingSettings, quantization=QuantizeSettings)
def serve(
    model: str,
    /,
    *,
    adapter: Annotated[
        list[str] | None,
        Parameter(
            help="An adapter's or run's folder or name; NAME=FOLDER gives it the name that clients call it. "
            "May be given again.",
            negative=(),
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, Parameter(help="The address to listen on. Others than this reach others.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="0 takes any.", validator=Number(gte=0, lte=65535))] = 8080,
    allow_host: Annotated[
        list[str] | None,
        Parameter(help="A name by which clients may call this machine.", negative=(), show_default=False),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        Parameter(
            help="A web page's origin that may ask, as http://localhost:3000.",
            negative=(),
            show_default=False,
        ),
    ] = None,
    new_token: Annotated[bool, Parameter(help="Make another token; the old one ends.", negative=())] = False,
    slots: Annotated[
        int, Parameter(help="Answers at once of each model.", validator=Number(gte=1, lte=256))
    ] = 16,
    waiting: Annotated[
        int, Parameter(help="Requests that may wait besides.", validator=Number(gte=0, lte=65536))
    ] = 256,
    context: Annotated[
        int | None,
        Parameter(
            help="Tokens of a prompt and its answer together. Not given: what the model was made for.",
            validator=Number(gte=16),
            show_default=False,
        ),
    ] = None,
    request_megabytes: Annotated[
        float, Parameter(help="The largest request.", validator=within(0.001, 1024))
    ] = 4.0,
    given: Given,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> None:
    """Answer other programs over OpenAI's chat-completions API. Ctrl-C ends it once begun answers are done.

    Clients choose the base or an adapter by its name, and show the token that the first start prints. The
    sampling settings are for what a request does not name.

    Parameters
    ----------
    model
        The model's folder or name.
    """
    defaults = check_settings(SamplingSettings, given["sampling"], "the command line")
    try:
        from gemma_mlx.serving.app import Limits, build_app
        from gemma_mlx.serving.guard import Rules
        from gemma_mlx.serving.server import Server, address_of, is_loopback, listen
    except ModuleNotFoundError as missing:
        raise GemmaError(
            "missing-package",
            f"The server needs the package {missing.name}.",
            fix='Install the extra: python -m pip install -e ".[serve]", or "gemma-mlx[serve]".',
        ) from None
    from gemma_mlx.library.store import data_root
    from gemma_mlx.serving.access_token import read_or_make
    from gemma_mlx.serving.engine import Engine
    from gemma_mlx.serving.shelf import Shelf

    base = model_name(model)
    adapters = named_adapters(adapter or [], base)
    bound = listen(host, port)
    try:

        def open_shelf() -> Shelf:
            loaded = open_model(model, out, quantization=given["quantization"], cancelled=engine.left.is_set)
            return Shelf(base, loaded, adapters)

        engine = Engine(open_shelf, slots=slots, waiting=waiting)
        shelf = engine.start()
    except BaseException:
        bound.close()
        raise
    try:
        # Made last: a token that is made is shown, and shown but once.
        token, fresh = read_or_make(data_root() / TOKEN_FILE, anew=new_token)
        made_for = shelf.loaded.config.max_position_embeddings
        limits = Limits(int(request_megabytes * MEGABYTE), min(context or made_for, made_for))
        rules = Rules(token, tuple(allow_host or ()), tuple(allow_origin or ()))
        server = Server(build_app(engine, shelf, rules, limits, defaults), engine, bound)
    except BaseException:
        engine.stop()
        bound.close()
        raise
    if not is_loopback(host):
        out.warn(
            "open-to-others",
            f"Whoever reaches {host} can ask this server, if they have the token, and nothing is encrypted.",
            "Leave --host out to serve this machine alone.",
        )
    address = address_of(bound)
    document = {
        "address": address, "models": shelf.names, "token_file": data_root() / TOKEN_FILE,
        "context": limits.context_tokens, **({"token": token} if fresh else {}),
    }  # fmt: skip

    def ready() -> None:
        out.document(document)
        _announce(document, out)

    server.run(ready)
    out.say(f"\nEnded after {engine.served} answers.")


def _announce(document: dict[str, Any], out: Output) -> None:
    address, names = document["address"], document["models"]
    out.say(f"[bold]{escape(names[0])}[/] answers at [bold]{escape(address)}[/]")
    if names[1:]:
        out.say(f"adapters: {escape(', '.join(names[1:]))}")
    if "token" in document:
        out.say(f"token: [bold]{escape(document['token'])}[/]  (shown this once)")
    out.say(f"the token is kept in {escape(str(document['token_file']))}", style="dim")
    out.say("Ctrl-C ends it.", style="dim")
    out.stdout.file.flush()


def model_name(model: str) -> str:
    """What clients call the base: a folder's own name, else the name that it was given by."""
    path = Path(model).expanduser()
    return path.resolve().name if path.exists() else model


def named_adapters(given: list[str], base: str) -> dict[str, Path]:
    """Adapters by the names that clients call them.

    Raises:
        AdapterError: one of them is not there.
        SettingsError: two have one name.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, separator, place = text.partition("=")
        if not separator or Path(text).expanduser().exists():
            name, place = _own_name(text), text
        if not name or name in found or name == base:
            raise SettingsError(
                "adapter-name",
                f"Two models would be called {name!r}." if name else "An adapter has no name.",
                where="--adapter",
                fix="Give it another name: --adapter NAME=FOLDER.",
            )
        found[name] = find_adapter(place)
    return found


def _own_name(text: str) -> str:
    """A run's name for an adapter inside its folder, else the folder's own."""
    path = Path(text).expanduser()
    if not path.exists():
        return text
    path = path.resolve()
    return path.parent.name if path.name == "adapter" else path.name
