"""The kinds that a user can choose by a name. Each is one class in one file, with its settings, texts, conflicts and build.

A section of an experiment is a family of kinds (:mod:`playground.kinds.kind`). Panels, tooltips, files, ``--set``, the docs and
the tests' lists come from the registry. To add a kind, add a file; to remove it, delete the file. No module here imports torch
before something is built, so the window can show the kinds before torch is loaded.
"""
