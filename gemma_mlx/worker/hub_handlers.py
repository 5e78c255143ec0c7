"""What the Hub offers: the catalogue, a search, a download, and the token for models behind a licence."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gemma_mlx.training.memory import allowed_memory
from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context, result
from gemma_mlx.worker.machine import verdict
from gemma_mlx.worker.results import ModelOffer, OfferList


def offers(context: Context, command: protocol.ListOffers) -> Iterator[Answer]:
    """The catalogue; with a query, what the Hub finds. Only the latter uses the network."""
    if not command.query.strip():
        from gemma_mlx.library.catalogue import read_catalogue
        from gemma_mlx.library.hub_http import endpoint_url

        allowed = allowed_memory()
        found = [
            ModelOffer(
                repository=offer.repository,
                generation=offer.generation,
                chat=offer.chat,
                bits=offer.bits,
                parameters=offer.parameters,
                size_bytes=offer.size,
                memory_bytes=offer.memory,
                allowed_bytes=allowed,
                verdict=verdict(offer.memory, allowed),
                licence=offer.licence,
                gated=offer.gated,
                page=f"{endpoint_url()}/{offer.repository}",
            )
            for offer in read_catalogue()
        ]
    else:
        _connect(context)
        from gemma_mlx.library.hub_http import endpoint_url
        from gemma_mlx.library.hub_listing import search_models

        found = [
            ModelOffer(
                repository=hit.repository,
                downloads=hit.downloads,
                licence=hit.licence,
                gated=hit.gated,
                page=f"{endpoint_url()}/{hit.repository}",
            )
            for hit in search_models(command.query.strip())
        ]
    yield result(command, OfferList(offers=tuple(found)))


def download(context: Context, command: protocol.Download) -> Iterator[Answer]:
    """Fetch a model from the Hub; what was stopped goes on from where it was."""
    _connect(context)
    from gemma_mlx.library import hub

    yield from hub.download(command.repository, command.revision, cancelled=context.cancelled)


def save_token(context: Context, command: protocol.SaveToken) -> Iterator[Answer]:
    """Keep the user's token in the Keychain; an empty one is taken away."""
    from gemma_mlx.library.hub_http import save_token as keep

    keep(command.token.get_secret_value())
    yield result(command, OfferList())


def _connect(context: Context) -> None:
    """These are the commands for which this process may use the network, unless the user forbade it."""
    if context.memory.get("may_connect"):
        os.environ.pop("HF_HUB_OFFLINE", None)
