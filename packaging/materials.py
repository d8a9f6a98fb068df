"""Writes the bill of materials (CycloneDX 1.6, JSON) of the package: every part with version, licence and identifier."""

import hashlib
import json
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import quote

import notices
import product

SPECIFICATION = "1.6"


def components() -> list[dict[str, object]]:
    """List the Python packages, Python itself and the system's libraries."""
    rows: list[dict[str, object]] = [
        component("python", sys.version.split()[0], f"pkg:generic/python@{sys.version.split()[0]}", "PSF-2.0")
    ]
    for found in notices.distributions():
        name = found.metadata["Name"].lower().replace("_", "-")
        rows.append(
            component(name, found.version, f"pkg:pypi/{name}@{quote(found.version)}", notices.licence_of(found))
        )
    for name in notices.system_packages():
        query = ["dpkg-query", "-W", "-f", "${Version}", name]
        version = subprocess.run(query, capture_output=True, text=True, check=True).stdout
        rows.append(component(name, version, f"pkg:deb/debian/{name}@{quote(version)}", ""))
    for name, licence in notices.libraries():
        version = name.partition(".so.")[2] or "as in its wheel"
        rows.append(component(name.partition("-")[0], version, f"pkg:generic/{quote(name)}", licence))
    return rows


def component(name: str, version: str, identifier: str, licence: str) -> dict[str, object]:
    """One row."""
    row: dict[str, object] = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": identifier,
        "bom-ref": identifier,
    }
    if licence:
        row["licenses"] = [{"license": {"name": licence}}]
    return row


def bill() -> dict[str, object]:
    """The document. Its serial number depends on its contents only, so that the same build writes the same file."""
    rows = components()
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).digest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": product.COMMAND,
                "version": product.version(),
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": rows,
    }


def path() -> Path:
    """The path of the document, beside the archives."""
    return product.DIST / f"{product.archive_stem()}.cdx.json"


if __name__ == "__main__":
    path().write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")
