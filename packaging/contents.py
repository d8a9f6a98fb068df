"""The contents of the package: which modules and files go in and which stay out, for the spec file and its tests."""

import re
from pathlib import Path, PurePosixPath

SOURCES_SHIPPED = (
    "playground.theory",
    # Stand-alone folders have these files.
    *(
        "playground.messages",
        "playground.records",
        "playground.user_errors",
        "playground.lab.checkpoints",
        "playground.lab.learning_rate",
    ),
    *("playground.lab.random_streams", "playground.lab.reflow"),
    # Torch reads its own source: overloads when modules of layers are imported, decompositions on the first forward mode.
    *("torch._jit_internal", "torch.functional", "torch.jit", "torch.nn", "torch._decomp"),
    # The configuration of torch's compiler reads the comments of its own source on the first call of torch.func.
    *("torch._dynamo.config", "torch._functorch.config", "torch._inductor.config", "torch._inductor.config_comms"),
    *("torch.compiler.config", "torch.distributed.config", "torch.fx.experimental._config"),
    *("torch._export.config", "torch.utils.serialization.config"),
)
"""Packages and modules whose source is included with the bytecode, because torch and stand-alone folders need it."""

SHELL_DETECTION = ("shellingham.nt", "shellingham.posix")
"""Modules that `--install-completion` imports by the system's name."""

DATA_PACKAGES = ("ziafont", "ziamath", "latex2mathml")  # fonts and symbol tables for equations

EXCLUDED_MODULES = (
    # of the standard library
    "tkinter", "idlelib", "lib2to3", "ensurepip", "turtledemo", "test", "sqlite3", "curses", "readline",
    # of Qt: modules that the window does not use
    "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtQuick3D", "PySide6.QtQuickControls2", "PySide6.QtQuickTest",
    "PySide6.QtQuickWidgets", "PySide6.QtDesigner", "PySide6.QtUiTools", "PySide6.QtHelp", "PySide6.QtSql", "PySide6.QtTest",
    "PySide6.QtNetwork", "PySide6.QtConcurrent", "PySide6.QtXml", "PySide6.QtPrintSupport", "PySide6.scripts",
    "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets",  # hooks/without_opengl.py stands in for them
    "matplotlib", "IPython", "OpenGL", "scipy", "cupy", "numba", "pandas", "h5py", "colorcet",
    # of pyqtgraph: modules that its charts do not import
    "pyqtgraph.console", "pyqtgraph.dockarea", "pyqtgraph.examples", "pyqtgraph.exporters", "pyqtgraph.flowchart",
    "pyqtgraph.jupyter", "pyqtgraph.opengl",
    # of Pillow: modules that show pictures, write text and convert colours
    "PIL.ImageCms", "PIL.ImageFont", "PIL.ImageQt", "PIL.ImageShow", "PIL.ImageTk", "PIL.ImageWin",
    "PIL._avif", "PIL._imagingcms", "PIL._imagingft", "PIL._imagingmath", "PIL._imagingmorph", "PIL._imagingtk", "PIL._webp",
    # of torch: compilers and tests. The imports of training, sampling and torch.func were recorded; these are not used
    "torch.testing._internal.common_utils", "torch.testing._internal.common_methods_invocations",
    "torch.testing._internal.common_nn", "torch.testing._internal.common_quantization", "torch.testing._internal.opinfo",
    "torch.testing._internal.common_distributed", "torch.testing._internal.common_device_type", "torch.testing._internal.generated",
    "torch.testing._internal.inductor_utils", "torch.testing._internal.jit_utils", "torch.testing._internal.common_cuda",
    "torch._inductor.codegen", "torch._inductor.kernel", "torch._inductor.fx_passes", "torch._inductor.autoheuristic",
    "torch._inductor.lowering", "torch._inductor.scheduler", "torch._inductor.graph", "torch._inductor.compile_fx",
    "torch._inductor.select_algorithm", "torch._inductor.ir", "torch._inductor.package",
    "torch.utils.tensorboard", "torch.utils.benchmark", "torch.utils.bottleneck", "torch.utils.model_dump", "torch.utils.viz",
    "functorch", "caffe2", "triton", "tensorboard", "onnx", "onnxscript",
    # of other installed packages
    "numpy.f2py", "numpy.tests", "sympy.testing", "mpmath.tests", "setuptools", "pkg_resources", "pip",
    "wheel", "pytest", "hypothesis", "PyInstaller",
)  # fmt: skip

UNWANTED_QT = re.compile(
    r"Qml|Quick|WebEngine|Pdf|VirtualKeyboard|Designer|QtHelp|Qt6Help|Sql|Qt6Test|ShaderTools|3D|Bluetooth|Labs|UiTools|EglFS|Qt6Network",
)
UNWANTED_QT_FOLDERS = re.compile(
    r"PySide6/(Qt/)?(translations|qml|libexec|metatypes|resources|include|typesystems|glue|support|doc)/"
    r"|plugins/(qmltooling|qmllint|sqldrivers|designer|networkinformation|tls|position|sensors|egldeviceintegrations"
    r"|virtualkeyboard|generic|printsupport|scxmldatamodel|webview)/"
    r"|plugins/platforms/(libqeglfs|libqlinuxfb|libqvnc|libqvkkhrdisplay|libqminimal|qminimal|qdirect2d|libqvkkhr)"
    r"|plugins/imageformats/(libqpdf|qpdf)|plugins/platformthemes/libqgtk3|plugins/wayland-graphics-integration"
)
UNWANTED = re.compile(
    r"(^|/)(tests?|__pycache__)/"  # tests of others
    r"|^torch/(include|share|test)/|^torch/bin/(?!torch_shm_manager)|^torchgen/packaged/"
    r"|\.(pyi|pxd|h|hpp|cuh|cpp|cmake|lib|a|typed)$"
    r"|(^|/)direct_url\.json$|\.dist-info/(RECORD|INSTALLER|REQUESTED)$"  # files about the build environment
)


def hidden_modules(root: Path) -> list[str]:
    """Every module of the program, since the command line and the window import most modules only when needed, and others."""
    files = sorted((root / "playground").rglob("*.py"))
    names = [".".join(file.relative_to(root).with_suffix("").parts) for file in files]
    return [*SHELL_DETECTION, *(name.removesuffix(".__init__") for name in names if not name.endswith("__main__"))]


def unwanted(destination: str) -> bool:
    """Whether a file stays out, by its path inside the package, with forward slashes or the system's separator."""
    path = destination.replace("\\", "/")
    qt = path.startswith("PySide6/") or PurePosixPath(path).name.startswith(("libQt6", "Qt6", "Qt"))
    if qt and (UNWANTED_QT.search(PurePosixPath(path).name) or UNWANTED_QT_FOLDERS.search(path)):
        return True
    return bool(UNWANTED.search(path))
