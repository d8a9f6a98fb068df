"""Replaces PyInstaller's hook, which includes icons, colour maps and examples. This one includes only what is imported."""

hiddenimports: list[str] = []
