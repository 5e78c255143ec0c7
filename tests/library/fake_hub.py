"""A Hub on loopback: the few answers that a download needs, and every fault that a network has."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "a" * 40
REPOSITORY = "google/tiny-gemma"

Fault = str
"""cut (ends after half), drop (the connection breaks after half), garble (same size, other bytes), 416, 429,
500, ignore-range, redirect, expired (a 403 of the store of large files), wrong-part."""


@dataclass
class FakeHub:
    """One repository, `files` at `COMMIT`. `faults` are used up one for each request for a file's bytes."""

    files: dict[str, bytes]
    address: str = ""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    needs_token: str = ""
    accepted: bool = True
    api_faults: list[int] = field(default_factory=list)
    served: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stop_in: str = "model-00002"
    stop_after: int | None = None
    """Bytes of that file after which the server waits for `go_on`: a moment to kill the other side."""
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def listing(self) -> dict[str, Any]:
        siblings = []
        for name, data in self.files.items():
            entry: dict[str, Any] = {"rfilename": name, "size": len(data)}
            if name.endswith((".safetensors", "tokenizer.json", ".parquet")):
                entry["lfs"] = {
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "size": len(data),
                    "pointerSize": 130,
                }
                entry["blobId"] = "0" * 40
            else:
                entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            siblings.append(entry)
        gated = "manual" if self.needs_token else False
        card = {"license": "gemma"}
        return {"id": REPOSITORY, "sha": COMMIT, "gated": gated, "siblings": siblings, "cardData": card}


def model_files(size: int = 3_000_000) -> dict[str, bytes]:
    """A sharded model beside what must not be downloaded. The shard of `size` bytes is the second."""
    shards = {
        "model-00001-of-00002.safetensors": b"one" * 100,
        "model-00002-of-00002.safetensors": data_of(size),
    }
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": list(shards)[1]}}
    return {
        "config.json": b'{"model_type": "gemma2"}',
        "tokenizer.json": b'{"a tokenizer": 1}' * 50,
        "tokenizer_config.json": b"{}",
        "model.safetensors.index.json": json.dumps(index).encode(),
        **shards,
        "README.md": b"words",
        "pytorch_model.bin": b"pickle" * 1000,
        "tiny.gguf": b"gguf" * 1000,
        "model-backup.safetensors": b"stray" * 1000,
        "original/consolidated.00.safetensors": b"copy" * 1000,
        "../evil.safetensors": b"evil",
    }


def data_of(size: int) -> bytes:
    """Bytes that repeat nowhere."""
    blocks = [hashlib.sha256(str(place).encode()).digest() for place in range(-(-size // 32))]
    return b"".join(blocks)[:size]


@contextmanager
def serve(hub: FakeHub, kind: type[HubHandler] | None = None) -> Iterator[FakeHub]:
    """Run the Hub, or another `kind` of server, until the block ends."""

    class Handler(kind or HubHandler):  # type: ignore[misc]
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        hub = self.hub
        hub.requests.append((self.path, dict(self.headers.items())))
        if self.path.startswith("/api/models?"):
            self._json(
                200,
                [{"id": REPOSITORY, "downloads": 5, "likes": 2, "gated": False, "tags": ["license:gemma"]}],
            )
        elif self.path.startswith("/api/models/"):
            self._api()
        elif self.path.startswith("/store/"):
            self._file(self.path.removeprefix("/store/"), moved=True)
        else:
            self._file(self.path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/"), moved=False)

    def _api(self) -> None:
        if self.hub.api_faults:
            self._refuse(self.hub.api_faults.pop(0))
        elif not self.path.startswith(f"/api/models/{REPOSITORY}/revision/"):
            self._refuse(404, "RepoNotFound")
        elif "/revision/main" not in self.path and f"/revision/{COMMIT}" not in self.path:
            self._refuse(404, "RevisionNotFound")
        else:
            self._json(200, self.hub.listing())

    def _file(self, name: str, *, moved: bool) -> None:
        hub = self.hub
        data = hub.files.get(name)
        if data is None:
            return self._refuse(404, "EntryNotFound")
        if hub.needs_token and not moved:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if not token:
                return self._refuse(401, "GatedRepo")
            if token != hub.needs_token:
                return self._refuse(401)
            if not hub.accepted:
                return self._refuse(403, "GatedRepo")
        fault = hub.faults[name].pop(0) if hub.faults.get(name) else ""
        if fault == "redirect":
            port = self.server.server_address[1]
            self.send_response(302)
            # Another name of this machine is another host to the client.
            self.send_header("Location", f"http://localhost:{port}/store/{name}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if fault.isdigit():
            return self._refuse(int(fault))
        if fault == "expired":
            return self._refuse(403)
        self._bytes(name, data, fault)

    def _bytes(self, name: str, data: bytes, fault: Fault) -> None:
        hub = self.hub
        start = 0
        asked = self.headers.get("Range", "")
        if asked and fault != "ignore-range":
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return self._refuse(416)
        told = start + 1 if fault == "wrong-part" else start
        body = data[told:]
        if fault == "garble":
            body = body[:10] + bytes([body[10] ^ 1]) + body[11:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {told}-{len(data) - 1}/{len(data)}")
        sent = body[: len(body) // 2] if fault in ("cut", "drop") else body
        self.send_header("Content-Length", str(len(sent) if fault == "cut" else len(body)))
        self.end_headers()
        try:
            for place in range(0, len(sent), 50_000):
                if (
                    hub.stop_after is not None
                    and start + place >= hub.stop_after
                    and name.startswith(hub.stop_in)
                ):
                    self.wfile.flush()
                    hub.reached.set()
                    hub.go_on.wait(20)
                piece = sent[place : place + 50_000]
                self.wfile.write(piece)
                hub.served[name] = hub.served.get(name, 0) + len(piece)
        except OSError:
            pass
        if fault == "drop":
            self.close_connection = True

    def _refuse(self, status: int, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def kill_on_the_way(hub: FakeHub, program: str, argument: str) -> None:
    """Runs a program that downloads, and kills it where the server waits, which it then does no more."""
    process = subprocess.Popen([sys.executable, "-c", program, argument], env=dict(os.environ))
    assert hub.reached.wait(60)
    time.sleep(0.3)  # what is on its way arrives
    process.send_signal(signal.SIGKILL)
    process.wait()
    hub.stop_after = None
    hub.go_on.set()
