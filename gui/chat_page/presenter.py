"""What the Chat page does: ask, stop, edit, branch, compare; history, search, undo, export."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gemma_mlx.declaring import check_settings
from gemma_mlx.errors import GemmaError, SettingsError
from gemma_mlx.library.chat_tree import ChatTree, Turn
from gemma_mlx.library.chats import Chat, ChatStore, Lane, as_json, as_markdown
from gemma_mlx.settings import SamplingSettings
from gui.chat_page.side import Side, messages_of
from gui.services import Services
from gui.worker_client import Failure

TITLE_LENGTH = 60
SAVE_SECONDS = 3.0
"""Between saves of an answer that is being streamed: so much is lost if the power goes."""


class ChatPresenter(QObject):
    """One chat is open; it has one side, or two that answer the same prompts one after the other."""

    list_changed = Signal(object)
    """list[ChatLine]: the history, or what was found in it."""
    chat_changed = Signal()
    """Another chat is open, or it has more or fewer sides: show all of it."""
    path_changed = Signal(int)
    """side: turns were added, removed or are others."""
    turn_grew = Signal(int, int)
    """side, turn: more text."""
    side_changed = Signal(int)
    """side: its model is loading, loaded, ejected, answering."""
    failed = Signal(object)
    """Failure."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._store = ChatStore(services.data_root / "chats.sqlite")
        self._searched = ""
        self._saved_at = 0.0
        self._waiting: list[tuple[int, int]] = []
        self.sides: list[Side] = []
        self.chat = Chat(lanes=[Lane()])
        self._add_side()
        services.session.chat_with.connect(self.chat_with)
        services.library.listed.connect(self._on_listed)
        if services.library.known:
            self._on_listed()

    # --- the history ---

    def refresh(self) -> None:
        """List the chats again."""
        try:
            lines = self._store.list(self._searched)
        except GemmaError as problem:
            self.tell(problem)
            return
        self.list_changed.emit(lines)

    def search(self, text: str) -> None:
        """Show only chats that hold these words."""
        self._searched = text
        self.refresh()

    @property
    def searched(self) -> str:
        return self._searched

    def new_chat(self) -> None:
        """An empty chat with the model, system text and sampling of this one; saved once it speaks."""
        self._leave()
        old = self.chat
        lanes = [Lane(lane.model, lane.adapter) for lane in old.lanes]
        self.chat = Chat(system=old.system, sampling=dict(old.sampling), lanes=lanes)
        self.chat_changed.emit()

    def open(self, identifier: int) -> None:
        """Show a chat. Its model is loaded with the next message, not before."""
        if identifier == self.chat.id:
            return
        self._leave()
        try:
            self.chat = self._store.load(identifier)
        except GemmaError as problem:
            self.tell(problem)
            return
        self._fit_sides()
        self.chat_changed.emit()

    def rename(self, identifier: int, title: str) -> None:
        try:
            self._store.rename(identifier, title.strip())
        except GemmaError as problem:
            self.tell(problem)
            return
        if identifier == self.chat.id:
            self.chat.title = title.strip()
        self.refresh()

    def delete(self, identifier: int) -> None:
        """Take a chat out of the history, with an undo."""
        if identifier == self.chat.id:
            self.new_chat()
        try:
            self._store.delete(identifier)
        except GemmaError as problem:
            self.tell(problem)
            return
        self.refresh()
        text = self.tr("The chat is deleted")
        self._services.session.undo_offered.emit(text, lambda: self._restore(identifier))

    def export(self, identifier: int, kind: Literal["markdown", "json"]) -> str:
        """A chat as a text to be written; empty where it cannot be read (`failed` says why)."""
        try:
            chat = self._store.load(identifier)
        except GemmaError as problem:
            self.tell(problem)
            return ""
        return as_markdown(chat) if kind == "markdown" else as_json(chat)

    def _restore(self, identifier: int) -> None:
        try:
            self._store.restore(identifier)
        except GemmaError as problem:
            self.tell(problem)
        self.refresh()

    def close(self) -> None:
        """The app ends: deleted chats are forgotten, the file is closed."""
        with contextlib.suppress(GemmaError):  # they stay hidden
            self._store.purge()
        self._store.close()

    # --- models ---

    def chat_with(self, model: str, adapter: str) -> None:
        """Another page wants to talk to this: in a new chat, unless this one is still empty."""
        if self.chat.lanes[0].tree.end() is not None:
            self.new_chat()
        self.choose(0, model, adapter)

    def choose(self, side: int, model: str, adapter: str) -> None:
        """Take this model (and adapter) on a side, and load it."""
        lane = self.chat.lanes[side]
        lane.model, lane.adapter = model, adapter
        self._remember_choice()
        self.sides[side].choose(model, adapter)
        self.sides[side].load()
        if self.chat.id:
            self._save()

    def eject(self, side: int) -> None:
        """Free the memory of a side's model."""
        self.sides[side].eject()

    def set_compare(self, on: bool) -> None:
        """Two sides or one. The second begins as the base of the first, with all that was said so far."""
        if on == self.comparing:
            return
        self._leave()
        if on:
            first = self.chat.lanes[0]
            tree = ChatTree.from_dict(first.tree.to_dict())
            self.chat.lanes.append(
                Lane(first.model, "" if first.adapter else self._an_adapter(first.model), tree)
            )
        else:
            del self.chat.lanes[1:]
        self._fit_sides()
        if self.chat.id:
            self._save()
        self.chat_changed.emit()

    @property
    def comparing(self) -> bool:
        return len(self.chat.lanes) > 1

    # --- the settings of a chat ---

    @property
    def sampling(self) -> SamplingSettings:
        try:
            return check_settings(SamplingSettings, self.chat.sampling, "chat")
        except SettingsError:
            return SamplingSettings()

    def set_sampling(self, sampling: SamplingSettings) -> None:
        self.chat.sampling = sampling.model_dump(mode="json")
        if self.chat.id:
            self._save()

    def set_system(self, text: str) -> None:
        self.chat.system = text
        if self.chat.id:
            self._save()

    # --- talking ---

    @property
    def busy(self) -> bool:
        """Whether an answer is under way or waits for its turn."""
        return bool(self._waiting) or any(side.busy for side in self.sides)

    def may_send(self) -> bool:
        return not self.busy and all(lane.model for lane in self.chat.lanes)

    def send(self, text: str) -> bool:
        """Ask this on every side; whether it was taken."""
        if not text.strip() or not self.may_send():
            return False
        if not self.chat.title:
            line = " ".join(text.split())
            self.chat.title = line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
        for number, lane in enumerate(self.chat.lanes):
            question = lane.tree.add(lane.tree.end(), "user", text.strip())
            self._ask(number, question)
        self._save()
        self._next()
        return True

    def stop(self) -> None:
        """End all answers; what was said stays."""
        for number, turn in self._waiting:
            self.chat.lanes[number].tree.remove(turn)
            self.path_changed.emit(number)
        self._waiting.clear()
        for side in self.sides:
            side.stop()

    def _leave(self) -> None:
        """End what is under way, at once: another chat comes to the front. What was said is kept."""
        for number, waiting in self._waiting:
            self.chat.lanes[number].tree.remove(waiting)
        self._waiting.clear()
        for lane, side in zip(self.chat.lanes, self.sides, strict=False):
            turn = side.abandon()
            if turn is not None and not turn.content:
                lane.tree.remove(turn.id)
        self._save()

    def edit(self, side: int, turn: int, text: str) -> None:
        """A question in other words, beside the first wording; or an answer in the user's words."""
        tree = self.chat.lanes[side].tree
        old = tree.turn(turn)
        if self.busy or not text.strip() or text.strip() == old.content:
            return
        new = tree.add(old.parent, old.role, text.strip())
        if new.role == "user":
            self._ask(side, new)
            self._next()
        self._save()
        self.path_changed.emit(side)

    def regenerate(self, side: int, turn: int) -> None:
        """Another answer beside this one."""
        parent = self.chat.lanes[side].tree.turn(turn).parent
        if self.busy or parent is None:
            return
        self._ask(side, self.chat.lanes[side].tree.turn(parent))
        self._next()

    def carry_on(self, side: int, turn: int) -> None:
        """Continue an answer where it broke off."""
        if self.busy:
            return
        lane = self.chat.lanes[side]
        lane.tree.cut(turn)
        answer = lane.tree.turn(turn)
        self._choose_side(side)
        self.sides[side].answer(answer, messages_of(lane.tree, self.chat.system, turn), self.sampling, True)
        self.path_changed.emit(side)

    def step(self, side: int, turn: int, by: int) -> None:
        """Show the alternative before or after this one: ‹2/3›."""
        if not self.busy:
            self.chat.lanes[side].tree.step(turn, by)
            self._save()
            self.path_changed.emit(side)

    def path(self, side: int) -> list[Turn]:
        return self.chat.lanes[side].tree.path()

    def siblings(self, side: int, turn: int) -> tuple[int, int]:
        return self.chat.lanes[side].tree.siblings(turn)

    def context_use(self, side: int) -> tuple[int, int]:
        """Tokens of the conversation as of its last answer, and how many the model can take; 0: unknown."""
        loaded = self.sides[side].loaded
        for turn in reversed(self.path(side)):
            if "prompt_tokens" in turn.details:
                used = int(turn.details["prompt_tokens"]) + int(turn.details.get("tokens", 0))
                return used, loaded.context if loaded is not None else 0
        return 0, loaded.context if loaded is not None else 0

    # --- inside ---

    def _ask(self, side: int, question: Turn) -> None:
        """Put an empty answer after a question, to be filled when it is its turn."""
        answer = self.chat.lanes[side].tree.add(question.id, "assistant", "")
        self._waiting.append((side, answer.id))
        self.path_changed.emit(side)

    def _next(self) -> None:
        """Begin the next answer that waits, unless one is under way: two at once would slow each other."""
        if not self._waiting or any(side.busy for side in self.sides):
            return
        number, identifier = self._waiting.pop(0)
        lane = self.chat.lanes[number]
        turn = lane.tree.turn(identifier)
        assert turn.parent is not None
        self._choose_side(number)
        messages = messages_of(lane.tree, self.chat.system, turn.parent)
        self.sides[number].answer(turn, messages, self.sampling, False)

    def _choose_side(self, number: int) -> None:
        lane = self.chat.lanes[number]
        self.sides[number].choose(lane.model, lane.adapter)

    def _on_grew(self, turn: int) -> None:
        number = self._number()
        self.turn_grew.emit(number, turn)
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self._save()

    def _on_answered(self, turn: int, well: bool) -> None:
        number = self._number()
        if number >= len(self.chat.lanes):
            return
        tree = self.chat.lanes[number].tree
        said = next((held for held in tree if held.id == turn), None)
        if said is not None and not said.content and not said.children:
            reason = said.details.get("reason")
            if not well or reason in (None, "cancelled"):
                tree.remove(turn)  # ended before its first word: nothing of it stays
        if not well:
            for side, waiting in self._waiting:
                self.chat.lanes[side].tree.remove(waiting)
                self.path_changed.emit(side)
            self._waiting.clear()
        self._save()
        self.path_changed.emit(number)
        self.side_changed.emit(number)
        self._next()

    def _number(self) -> int:
        sender = self.sender()
        return next(number for number, side in enumerate(self.sides) if side is sender)

    def _on_side_changed(self) -> None:
        sender = self.sender()
        numbers = [number for number, side in enumerate(self.sides) if side is sender]
        for number in numbers:
            self.side_changed.emit(number)

    def _add_side(self) -> None:
        side = Side(self._services.workers)
        side.setParent(self)
        side.changed.connect(self._on_side_changed)
        side.grew.connect(self._on_grew)
        side.answered.connect(self._on_answered)
        side.failed.connect(self.failed)
        self.sides.append(side)

    def _fit_sides(self) -> None:
        """As many sides as the chat has lanes, each of its lane's model."""
        while len(self.sides) > len(self.chat.lanes):
            side = self.sides.pop()
            side.blockSignals(True)
            side.eject()
            side.deleteLater()
        while len(self.sides) < len(self.chat.lanes):
            self._add_side()
        for number in range(len(self.sides)):
            self._choose_side(number)

    def _on_listed(self) -> None:
        """Models are known: an empty chat takes the one of the last time, or the first that fits."""
        lane = self.chat.lanes[0]
        if lane.model or not self._services.library.usable:
            self.side_changed.emit(0)
            return
        last = str(self._services.state.value("chat/model", "") or "")
        adapter = str(self._services.state.value("chat/adapter", "") or "")
        known = {model.path: model for model in self._services.library.usable}
        if last not in known:
            fitting = [path for path, model in known.items() if model.verdict != "too-large"]
            last, adapter = (fitting or list(known))[0], ""
        if adapter not in [held.path for held in known[last].adapters]:
            adapter = ""
        lane.model, lane.adapter = last, adapter
        self._choose_side(0)
        self.side_changed.emit(0)

    def _an_adapter(self, model: str) -> str:
        summary = self._services.library.model(model)
        return summary.adapters[0].path if summary is not None and summary.adapters else ""

    def _remember_choice(self) -> None:
        lane = self.chat.lanes[0]
        self._services.state.setValue("chat/model", lane.model)
        self._services.state.setValue("chat/adapter", lane.adapter)

    def _save(self) -> None:
        """Keep the chat once something was said in it."""
        if not any(lane.tree.end() for lane in self.chat.lanes):
            return
        self._saved_at = time.monotonic()
        try:
            self._store.save(self.chat)
        except GemmaError as problem:
            self.tell(problem)
            return
        self.refresh()

    def tell(self, problem: GemmaError) -> None:
        """Show what went wrong."""
        self.failed.emit(Failure(problem.code, problem.what, problem.where, problem.fix, problem.kept))


def side_name(services: Services, model: str, adapter: str) -> str:
    """What a side's model is called."""
    summary = services.library.model(model)
    name = summary.name if summary is not None else Path(model).name
    if not adapter:
        return name
    known = [held.name for held in summary.adapters if held.path == adapter] if summary is not None else []
    run = Path(adapter).parent.name if Path(adapter).name == "adapter" else Path(adapter).name
    return f"{name} + {known[0] if known else run}"
