"""In place of PyInstaller's own hook, which takes every submodule of torch: only what is imported goes in, with the libraries."""

import sys
from pathlib import Path

from PyInstaller.utils.hooks import collect_dynamic_libs, get_package_paths

binaries = collect_dynamic_libs("torch", search_patterns=["*.dll", "*.dylib", "*.so", "*.so.*"])
torch = Path(get_package_paths("torch")[1])
manager = torch / "bin" / "torch_shm_manager"
if manager.exists():
    binaries.append((str(manager), "torch/bin"))  # `import torch` looks for it, and fails without it
# Imported by name: the compiler's Python, which the first step of an optimizer loads, and what torch.func brings.
polyfills = sorted((torch / "_dynamo" / "polyfills").glob("*.py"))
hiddenimports = [f"torch._dynamo.polyfills.{path.stem}" for path in polyfills if path.stem != "__init__"]
hiddenimports += ["torch._dynamo", "torch._numpy", "torch._functorch.deprecated", "torch._functorch.make_functional"]
hiddenimports += ["torch.onnx.operators"]
if sys.platform == "darwin":
    bindepend_symlink_suppression = ["**/torch/lib/*.dylib"]
elif sys.platform == "linux":
    bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
