"""Replaces PyInstaller's hook, which includes all of Pillow's formats. This one includes only those that Pillow imports."""

hiddenimports: list[str] = []
