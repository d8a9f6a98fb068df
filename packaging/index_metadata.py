"""Metadata of the wheel that hatchling asks for: README for a package index, where no file lies beside it, and addresses."""

import re
import runpy
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class IndexMetadata(MetadataHookInterface):
    """Fills the fields that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        known = runpy.run_path(str(Path(self.root, "playground", "version.py")))
        repository = known["REPOSITORY"]
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_addresses(
                Path(self.root, "README.md").read_text(encoding="utf-8"), repository, f"v{known['__version__']}"
            ),
        }
        metadata["urls"] = {
            "Repository": repository,
            "Documentation": known["SITE"],
            "Changelog": f"{repository}/blob/main/CHANGELOG.md",
            "Issues": known["ISSUES"],
        }


def with_addresses(text: str, repository: str, tag: str) -> str:
    """Markdown whose pictures and links to files of the repository are addresses of them at a tag."""

    def address(found: re.Match[str]) -> str:
        view = "raw" if found["picture"] else "blob"
        return f"{found['picture']}[{found['text']}]({repository}/{view}/{tag}/{found['file']})"

    return re.sub(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!https?:|#|mailto:)(?P<file>[^)\s]+)\)", address, text)
