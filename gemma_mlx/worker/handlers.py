"""Which function answers which command. The engine's wings are imported when the first command needs them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context, Handler


def _late(module: str, function: str) -> Handler:
    """A handler whose module is imported at its first use: listing models must not load MLX."""

    def handle(context: Context, command: protocol.Command) -> Iterator[Answer]:
        yield from getattr(import_module(f"gemma_mlx.worker.{module}"), function)(context, command)

    return handle


HANDLERS: dict[type, Handler] = {
    protocol.ListModels: _late("model_handlers", "list_models"),
    protocol.InspectModel: _late("model_handlers", "inspect_model"),
    protocol.ImportModel: _late("model_handlers", "import_model"),
    protocol.QuantizePreview: _late("model_handlers", "quantize_preview"),
    protocol.Quantize: _late("model_handlers", "quantize"),
    protocol.MergeAdapter: _late("model_handlers", "merge_adapter"),
    protocol.ExportModel: _late("model_handlers", "export_model"),
    protocol.ListOffers: _late("hub_handlers", "offers"),
    protocol.Download: _late("hub_handlers", "download"),
    protocol.SaveToken: _late("hub_handlers", "save_token"),
    protocol.InspectDataset: _late("dataset_handlers", "inspect"),
    protocol.PreviewRows: _late("dataset_handlers", "preview"),
    protocol.LoadForChat: _late("chat_handlers", "load"),
    protocol.ChatTurn: _late("chat_handlers", "answer"),
    protocol.StartTraining: _late("training_handlers", "start"),
    protocol.ForecastTraining: _late("training_handlers", "forecast"),
}
