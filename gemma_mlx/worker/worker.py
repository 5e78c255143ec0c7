"""The worker's main loop: takes commands from the window, hands on what the engine yields, ends cleanly.

One process a job. It ends when the window closes the pipe (or is killed): the job then pauses with a
checkpoint, and after five seconds the process exits whatever happens.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any

from gemma_mlx.worker import protocol
from gemma_mlx.worker.channel import Channel, take_standard_streams
from gemma_mlx.worker.context import Context, Handler, Inbox
from gemma_mlx.worker.failures import as_gemma_error
from gemma_mlx.worker.handlers import HANDLERS

HEARTBEAT_SECONDS = 1.0
LAST_SECONDS = 4.5
"""From the closed pipe to the end of the process; the window is promised five."""

log = logging.getLogger(__name__)


class Worker:
    """Reads on one thread, beats on another, works on the main one."""

    def __init__(self, commands: int, messages: int, handlers: Mapping[type, Handler] = HANDLERS) -> None:
        self._commands = commands
        self._channel = Channel(messages)
        self._inbox = Inbox()
        self._handlers = handlers
        self.memory: dict[str, Any] = {}
        self._job = ""

    def run(self) -> int:
        """Work until the window says so or is gone; gives the exit status."""
        self._channel.send(protocol.Hello(program="gemma-mlx", pid=os.getpid()))
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()
        while (command := self._inbox.next()) is not None:
            self._job = command.job
            self._work(command)
            self._job = ""
        return 0

    def close(self) -> None:
        """Pause what runs and end, by force if need be."""
        self._inbox.close()
        deadline = threading.Timer(LAST_SECONDS, os._exit, (0,))
        deadline.daemon = True
        deadline.start()

    def _work(self, command: protocol.Command) -> None:
        """One job, from its command to the message that ends it. Nothing that it raises ends the process."""
        handler = self._handlers.get(type(command))
        context = Context(command.job, self._channel, self._inbox, self.memory)
        try:
            assert handler is not None, f"no handler for {type(command).__name__}"
            for answer in handler(context, command):
                if isinstance(answer, protocol.PartMessage | protocol.ResultMessage):
                    self._channel.send(answer)
                else:
                    self._channel.event(command.job, answer)
        except BaseException as problem:  # a panic in Rust code is no Exception
            error = as_gemma_error(problem)
            if error.code == "internal-error":
                traceback.print_exc()
            else:
                log.warning("%s: %s", error.code, error.what)
            self._channel.flush(command.job)
            self._channel.send(protocol.error_message(command.job, error))

    def _read(self) -> None:
        """Commands until the pipe ends. A line that is no command is an error without a job."""
        try:
            with os.fdopen(self._commands, "rb") as pipe:
                while line := pipe.readline(protocol.MAX_LINE_BYTES + 1):
                    try:
                        command = protocol.decode_command(line)
                    except protocol.ProtocolError as problem:
                        log.error("a line that is no command: %s", problem)
                        what = f"The worker was sent something that it does not know: {problem}"
                        self._channel.send(protocol.ErrorMessage(code="bad-command", what=what))
                        continue
                    if isinstance(command, protocol.Shutdown):
                        break
                    self._inbox.take_in(command)
        finally:
            self.close()

    def _beat(self) -> None:
        while not self._inbox.closed:
            threading.Event().wait(HEARTBEAT_SECONDS)
            self._channel.send(protocol.Heartbeat(job=self._job, memory_bytes=_memory_in_use()))


def _memory_in_use() -> int:
    """What MLX holds, if it is there: asking must not import it."""
    core = sys.modules.get("mlx.core")
    return int(core.get_active_memory() + core.get_cache_memory()) if core is not None else 0


def main() -> int:
    """Entry point of the worker's process."""
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    may_connect = "HF_HUB_OFFLINE" not in os.environ
    os.environ["HF_HUB_OFFLINE"] = "1"  # a download takes it away again, unless it was the user's
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the window's to handle
    worker = Worker(*take_standard_streams())
    worker.memory["may_connect"] = may_connect
    signal.signal(signal.SIGTERM, lambda _number, _frame: worker.close())
    return worker.run()


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # no waiting for threads of libraries
