"""Loading a model for a chat and answering in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx

from gemma_mlx.errors import GemmaError
from gemma_mlx.inference.conversation import Conversation
from gemma_mlx.load import load_model
from gemma_mlx.text.chat_template import Message
from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context, result
from gemma_mlx.worker.results import LoadedForChat


def load(context: Context, command: protocol.LoadForChat) -> Iterator[Answer]:
    """Load a model and keep it; the one before it is let go first, for both may not fit."""
    context.memory.pop("conversation", None)
    mx.clear_cache()
    started = time.monotonic()
    adapter = Path(command.adapter) if command.adapter else None
    loaded = load_model(command.model, adapter, command.quantization, progress=context.emit)
    loaded.tokenizer  # noqa: B018 (a chat needs one: better told now than at the first question)
    context.memory["conversation"] = Conversation(loaded)
    yield result(
        command,
        LoadedForChat(
            model=str(loaded.folder),
            adapter=command.adapter or "",
            context=loaded.config.max_position_embeddings,
            memory_bytes=mx.get_active_memory(),
            seconds=time.monotonic() - started,
        ),
    )


def answer(context: Context, command: protocol.ChatTurn) -> Iterator[Answer]:
    """Stream the answer to a conversation, reusing what was computed for the turn before."""
    conversation: Conversation | None = context.memory.get("conversation")
    if conversation is None:
        raise GemmaError(
            "no-model", "No model is loaded.", where="chat", fix="Choose a model at the top of the page.",
            kept="The chat is kept.",
        )  # fmt: skip
    messages = [Message(message.role, message.content) for message in command.messages]
    yield from conversation.answer(
        messages, command.sampling, context.cancelled, continue_last=command.continue_last
    )
