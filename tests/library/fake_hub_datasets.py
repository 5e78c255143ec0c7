"""A Hub on loopback that holds datasets: any number of repositories, with all the faults of the models'."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import unquote

from tests.library.fake_hub import HubHandler


class DatasetHandler(HubHandler):
    """`repositories`: owner/name to {"files": {path: bytes}, "card": {...}, "branches": {name: files}}."""

    repositories: dict[str, dict[str, Any]]

    def do_GET(self) -> None:
        self.hub.requests.append((self.path, dict(self.headers.items())))
        parts = self.path.split("?")[0].lstrip("/").split("/")
        if parts[:2] == ["api", "datasets"] and parts[4:5] == ["revision"]:
            return self._listing("/".join(parts[2:4]), parts[5].replace("%2F", "/"))
        if parts[0] == "datasets" and parts[3:4] == ["resolve"]:
            for commit, files in self._commits("/".join(parts[1:3])).values():
                if commit == parts[4]:
                    self.hub.files = files
                    return self._file(unquote("/".join(parts[5:])), moved=True)
        return self._refuse(404, "RepoNotFound")

    def _commits(self, name: str) -> dict[str, tuple[str, dict[str, bytes]]]:
        held = self.repositories.get(name, {})
        branches = {"main": held.get("files", {}), **held.get("branches", {})}
        return {
            branch: (hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest(), files)
            for branch, files in branches.items()
        }

    def _listing(self, name: str, revision: str) -> None:
        if name not in self.repositories:
            return self._refuse(404, "RepoNotFound")
        for branch, (commit, files) in self._commits(name).items():
            if revision in (branch, commit):
                self.hub.files = files
                siblings = self.hub.listing()["siblings"]
                card = self.repositories[name].get("card", {})
                return self._json(200, {"sha": commit, "siblings": siblings, "cardData": card})
        return self._refuse(404, "RevisionNotFound")
