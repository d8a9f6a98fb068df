"""Runs before the packaged program: stands in for Qt's OpenGL modules, which are 10 MB and not in the package.

pyqtgraph imports them by name for a class of views on the graphics card. The program's charts are painted by the processor.
"""

import sys
from types import ModuleType

opengl, widgets = ModuleType("PySide6.QtOpenGL"), ModuleType("PySide6.QtOpenGLWidgets")
vars(widgets)["QOpenGLWidget"] = object  # pyqtgraph derives its view from it
sys.modules |= {module.__name__: module for module in (opengl, widgets)}
