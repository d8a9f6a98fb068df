"""In place of PyInstaller's own hook, which takes all of Pillow's formats: only those that it imports by itself go in."""

hiddenimports: list[str] = []
