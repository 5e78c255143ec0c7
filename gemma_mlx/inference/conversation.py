"""Answers to growing conversations: each turn computes only what is new since the one before.

The messages are given whole each time. What the model said before is put back in with the very tokens it
was said in, because encoding its text again may give others and so lose the cache.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

import mlx.nn as nn

from gemma_mlx.adapters.lora import LoraLinear
from gemma_mlx.events import Done, Event
from gemma_mlx.inference.generate import answer
from gemma_mlx.inference.prompt_cache import PromptCache, common_prefix
from gemma_mlx.settings import SamplingSettings
from gemma_mlx.text.chat_template import Message, render_chat
from gemma_mlx.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

ANSWERS_KEPT = 256
"""Answers whose tokens are remembered. Tokens are few bytes beside their keys and values."""

TEXTS_KEPT = 1024
"""Texts of turns whose ids are remembered."""

LOOSE_TOKENS = 16
"""Tokens at an answer's end that may be beyond its text."""

MARK_SLACK = 16
"""Tokens that are rather computed again than given a forward pass of their own to be marked exactly."""


class Conversation:
    """One chat with a loaded model. It notices by itself when an adapter came, went or was switched."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.prompts = PromptCache(loaded.model)
        self._tokenizer = _RememberingTokenizer(loaded.tokenizer)
        # By the ids that the answer's text encodes to, as the rendered chat has them.
        self._said: OrderedDict[tuple[int, ...], list[int]] = OrderedDict()
        self._control = frozenset(loaded.tokenizer.control_tokens.values())
        self._state = _ModelState(loaded.model)

    def remember(self, text: str, ids: Sequence[int]) -> None:
        """Notes the tokens that an answer was generated in, unless control tokens are among them.

        Those come from the chat's form alone: a model that says one must not open turns in its history.
        """
        if not self._control.isdisjoint(ids):
            return
        # The first tokens of a text stay: others would change the history that is in the cache.
        encoded = tuple(self._tokenizer.encode(text))
        self._said.setdefault(encoded, list(ids))
        self._said.move_to_end(encoded)
        while len(self._said) > ANSWERS_KEPT:
            self._said.popitem(last=False)

    def said(self, text: str) -> list[int]:
        """The tokens that an answer was generated in; none where they are not known."""
        return list(self._said.get(tuple(self._tokenizer.encode(text)), ()))

    def invalidate(self) -> None:
        """Forgets all that was computed; the next answer starts anew."""
        self.prompts.clear()

    def answer(
        self,
        messages: Sequence[Message],
        sampling: SamplingSettings,
        cancel: Callable[[], bool] | None = None,
        *,
        continue_last: bool = False,
    ) -> Iterator[Event]:
        """The events of `generate` for the conversation.

        `continue_last`: the last message is the beginning of the answer. Done's "computed_prompt_tokens" says
        how many tokens of the prompt were not in the cache.
        """
        state = _ModelState(self.loaded.model)
        if not state.same_as(self._state):
            self.invalidate()
            self._state = state
        begun = self._tokens(messages[-1].content) if continue_last else []
        ids, asked = self._rendered(messages[:-1] if continue_last else messages)
        ids += begun
        marks = self._marks(ids, asked)
        events = answer(self.loaded, ids, sampling, self.prompts, cancel=cancel, marks=marks)
        for event in events:
            if isinstance(event, Done):
                before = messages[-1].content if continue_last else ""
                self._note(before + event.result["text"], [*begun, *event.result["ids"]])
            yield event

    def _tokens(self, text: str) -> list[int]:
        """The tokens that an answer was said in, or those of its text."""
        return self.said(text) or self._tokenizer.encode(text)

    def _note(self, text: str, ids: list[int]) -> None:
        """Remembers an answer's tokens, without those beyond its text (half a character, a stop string)."""
        # Templates strip what they are given, so the answer comes back without the blanks at its end.
        wanted = {text, text.rstrip()} - {""}
        for count in range(len(ids), max(0, len(ids) - LOOSE_TOKENS), -1):
            decoded = self.loaded.tokenizer.decode(ids[:count])
            if decoded in wanted:
                self.remember(decoded, ids[:count])
                wanted.remove(decoded)

    def _rendered(self, messages: Sequence[Message]) -> tuple[list[int], int]:
        """The prompt's tokens, answers in those they were said in, and where the last question begins."""
        rendered = render_chat(self._tokenizer, messages, add_generation_prompt=True)
        ids: list[int] = []
        place = 0
        for begin, end in _spans(rendered.loss_mask):
            # A span is an answer's text and the token that closes it.
            said = self._said.get(tuple(rendered.ids[begin : end - 1]))
            if said is not None:
                ids += [*rendered.ids[place:begin], *said]
                place = end - 1
        ids += rendered.ids[place:]
        asked = rendered.turn_starts[-2] if len(rendered.turn_starts) > 1 else 0
        return ids, len(ids) - (len(rendered.ids) - asked)

    def _marks(self, ids: Sequence[int], asked: int) -> list[int]:
        """Where editing the last question and regenerating its answer will come back to."""
        held = common_prefix(self.prompts.ids, ids)
        places = [len(ids) - 1]
        if held <= asked and asked > MARK_SLACK:
            places.append(held if asked - held <= MARK_SLACK else asked)
        return places


class _RememberingTokenizer(Tokenizer):
    """A tokenizer that remembers what it encoded, because a chat's turns come again with each answer.

    Encoding all of a long chat anew would cost a fast machine a tenth of the time to its first token.
    """

    __slots__ = ("_encoded",)

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.__dict__ = tokenizer.__dict__  # the same tokenizer in all else
        self._encoded = lru_cache(TEXTS_KEPT)(tokenizer.encode)

    def encode(self, text: str, *, bos: bool = False) -> list[int]:
        return list(self._encoded(text, bos=bos))


def _spans(mask: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The runs of True as (begin, end)."""
    place = 0
    for value, run in groupby(mask):
        length = len(list(run))
        if value:
            yield place, place + length
        place += length


class _ModelState:
    """What of a model changes its answers from turn to turn: modules, the adapter's tensors and switches.

    Modules are held weakly, so that a chat at rest does not keep a base alive that was merged meanwhile; the
    adapter's tensors are held, so that their addresses cannot be those of another adapter's.
    """

    def __init__(self, model: nn.Module) -> None:
        modules = [module for _, module in model.named_modules()]
        lora = [module for module in modules if isinstance(module, LoraLinear)]
        self._modules = [weakref.ref(module) for module in modules]
        self._tensors = [
            tensor
            for module in lora
            for tensor in (module.lora_A, module.lora_B, module.get("lora_magnitude_vector"))
        ]
        self._switches = [(module.enabled, module.scale) for module in lora]

    def same_as(self, other: _ModelState) -> bool:
        return (
            self._switches == other._switches
            and len(self._modules) == len(other._modules)
            and all(a() is b() for a, b in zip(self._modules, other._modules, strict=True))
            and all(a is b for a, b in zip(self._tensors, other._tensors, strict=False))
        )
