"""Writes the bundle's bill of materials in CycloneDX's JSON form."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from application import BUNDLE_NAME, VERSION
from licences import licence_of

SPDX = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def component(name: str, version: str, licence: str) -> dict[str, Any]:
    """One package. A licence is given as an SPDX expression where it reads like one, else by its name."""
    entry: dict[str, Any] = {"type": "library", "name": name, "version": version}
    canonical = re.sub(r"[-_.]+", "-", name).lower()
    entry["bom-ref"] = entry["purl"] = f"pkg:pypi/{canonical}@{version}"
    if licence:
        plain = licence.replace("(", "").replace(")", "")
        spdx = SPDX.fullmatch(plain) is not None
        entry["licenses"] = [{"expression": licence} if spdx else {"license": {"name": licence}}]
    return entry


def bill_of_materials(packages: Sequence[metadata.Distribution]) -> str:
    """CycloneDX 1.6. The same packages give the same text: its number comes from them, and it has no time."""
    components = [component(each.metadata["Name"], each.version, licence_of(each)) for each in packages]
    python = sys.version.split()[0]
    components.append(
        {
            "type": "framework", "name": "cpython", "version": python, "bom-ref": f"cpython@{python}",
            "licenses": [{"license": {"id": "PSF-2.0"}}],
        }
    )  # fmt: skip
    root = f"gemma-mlx@{VERSION}"
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "name": BUNDLE_NAME, "version": VERSION, "bom-ref": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [entry["bom-ref"] for entry in components]}],
    }  # fmt: skip
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))
    return json.dumps({"serialNumber": f"urn:uuid:{number}", **bill}, indent=2) + "\n"
