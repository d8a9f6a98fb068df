"""Replaces PyInstaller's hook, which includes all languages. rich colours source only if asked, and the program never asks."""

hiddenimports: list[str] = []
