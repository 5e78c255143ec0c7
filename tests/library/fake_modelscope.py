"""A ModelScope on loopback: its listing of files and its address for one of them, with the Hub's faults."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

from tests.library.fake_hub import HubHandler

OWNED = "LLM-Research/tiny-gemma"
FILE_COMMIT = "b" * 40


class ModelScopeHandler(HubHandler):
    """`hub.files` under the name OWNED, on a branch that is called master."""

    def do_GET(self) -> None:
        self.hub.requests.append((self.path, dict(self.headers.items())))
        address = urlsplit(self.path)
        wish = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == f"/api/v1/models/{OWNED}/repo/files" and wish.get("Revision") == "master":
            if self.hub.api_faults:
                return self._refuse(self.hub.api_faults.pop(0))
            return self._json(200, {"Code": 200, "Success": True, "Data": {"Files": self._entries()}})
        if address.path == f"/api/v1/models/{OWNED}/repo" and wish.get("Revision") == FILE_COMMIT:
            return self._file(wish.get("FilePath", ""), moved=True)
        if address.path.startswith("/store/"):
            return self._file(address.path.removeprefix("/store/"), moved=True)
        return self._refuse(404)

    def _entries(self) -> list[dict[str, object]]:
        entries: list[dict[str, object]] = [
            {"Name": "original", "Path": "original", "Type": "tree", "Size": 0, "Sha256": "",
             "Revision": FILE_COMMIT}
        ]  # fmt: skip
        for name, data in self.hub.files.items():
            digest = hashlib.sha256(data).hexdigest()
            entries.append(
                {"Name": name.rpartition("/")[2], "Path": name, "Type": "blob", "Size": len(data),
                 "Sha256": digest, "Revision": FILE_COMMIT, "IsLFS": len(data) > 10_000}
            )  # fmt: skip
        return entries
