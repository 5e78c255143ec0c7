"""The pictures of the Chat page."""

from __future__ import annotations

from typing import Any

from gemma_mlx.library.chats import Chat, Lane
from gui.scenes import Scene, Wait

ANSWER = """A **gemma** is a small bud from which a new plant grows. Three things make it useful:

1. It is *light*, so wind and water carry it.
2. It needs no flower.
3. It waits until the season is right.

```python
def gemmae(plant: Plant, count: int = 3) -> list[Bud]:
    # each of them is a clone
    return [plant.clone(f"bud {number}") for number in range(count)]
```

| Part | Made of |
|---|---|
| cup | thallus |
| gemma | some 40 cells |

See `gemmae(...)` above for how many there are."""


def _empty(page: Any, wait: Wait) -> None:
    wait(lambda: page.pickers[0].box.count() > 0)


def _answered(page: Any, wait: Wait) -> None:
    _empty(page, wait)
    _history(page)
    page.presenter.send("What is a gemma, and how does a plant make several?")
    wait(lambda: not page.presenter.busy)
    turn = page.presenter.path(0)[-1]
    page.presenter.regenerate(0, turn.id)
    wait(lambda: not page.presenter.busy)
    turn = page.presenter.path(0)[-1]
    turn.content = ANSWER
    page.presenter.path_changed.emit(0)
    page.conversations[0].area.verticalScrollBar().setValue(0)


def _compared(page: Any, wait: Wait) -> None:
    _empty(page, wait)
    _history(page)
    page.presenter.choose(0, "/models/gemma-2-2b-it-4bit", "/runs/pirate/adapter")
    page.compare.setChecked(True)
    page.presenter.send("What is the capital of Italy?")
    wait(lambda: not page.presenter.busy)
    page.presenter.path(0)[-1].content = "Arr, the capital o' Italy be **Rome**, matey!"
    page.presenter.path(1)[-1].content = "The capital of Italy is **Rome**."
    page.presenter.path_changed.emit(0)
    page.presenter.path_changed.emit(1)


def _settings(page: Any, wait: Wait) -> None:
    _answered(page, wait)
    page.settings_button.setChecked(True)
    wait(lambda: page.conversations[0].area.verticalScrollBar().maximum() > 0)
    page.conversations[0].area.verticalScrollBar().setValue(0)


def _answering(page: Any, wait: Wait) -> None:
    _empty(page, wait)
    _history(page)
    page.presenter.send("Tell me slowly what a gemma is.")
    wait(lambda: len(page.presenter.path(0)[-1].content) > 40)


def _history(page: Any) -> None:
    store = page.presenter._store
    for title in (
        "Words for a birthday card",
        "怎么做红烧肉？",
        "План поездки в Казань",
        "SQL: the last order of each",
    ):
        chat = Chat(title=title, lanes=[Lane("/models/gemma-2-2b-it-4bit")])
        question = chat.lanes[0].tree.add(None, "user", title)
        chat.lanes[0].tree.add(question.id, "assistant", "…")
        store.save(chat)
    page.presenter.refresh()


SCENES = (
    Scene("chat-none", "chat", "empty", lambda page, wait: wait(lambda: page.content.currentIndex() == 1)),
    Scene("chat-empty", "chat", "normal", _empty),
    Scene("chat", "chat", "normal", _answered),
    Scene("chat-answering", "chat", "normal", _answering),
    Scene("chat-compare", "chat", "normal", _compared),
    Scene("chat-settings", "chat", "normal", _settings),
)
