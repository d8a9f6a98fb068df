"""In place of PyInstaller's own hook, which takes icons, colour maps and examples too: only what is imported goes in."""

hiddenimports = [
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
]  # imported by name, for a class of views that ours are not of
