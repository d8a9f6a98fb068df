"""Replaces PyInstaller's hook, which includes every submodule of torch. This one includes what is imported and libraries."""

import sys
from pathlib import Path

from PyInstaller.utils.hooks import collect_dynamic_libs, get_package_paths

binaries = collect_dynamic_libs("torch", search_patterns=["*.dll", "*.dylib", "*.so", "*.so.*"])
torch = Path(get_package_paths("torch")[1])
manager = torch / "bin" / "torch_shm_manager"
if manager.exists():
    binaries.append((str(manager), "torch/bin"))  # `import torch` fails without it
# Imported by name: the compiler's Python modules, which the first step of an optimizer loads, and those of torch.func.
polyfills = sorted((torch / "_dynamo" / "polyfills").glob("*.py"))
hiddenimports = [f"torch._dynamo.polyfills.{path.stem}" for path in polyfills if path.stem != "__init__"]
hiddenimports += ["torch._dynamo", "torch._numpy", "torch._functorch.deprecated", "torch._functorch.make_functional"]
hiddenimports += ["torch.onnx.operators"]
if sys.platform == "darwin":
    bindepend_symlink_suppression = ["**/torch/lib/*.dylib"]
elif sys.platform == "linux":
    bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
