"""The kinds that a user can choose by a name, each as one class in one file: its settings, its words, its conflicts,
and its build.

A section of an experiment is a family of kinds (:mod:`playground.kinds.kind`). Panels, tooltips, files, ``--set``, the docs and
the tests' lists are made from the registry: to add a kind is to add a file, to remove one to delete it. No module here imports
torch before something is built, so that the window can show all of this before torch is loaded.
"""
