"""Replaces PyInstaller's hook, which includes icons, colour maps and examples. This one includes only what is imported."""

hiddenimports = [
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
]  # imported by name, for a class of views that the program does not use
