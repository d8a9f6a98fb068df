"""Write resources/digits.npz from the copy of the UCI optical digits that scikit-learn (a development dependency) carries.

python resources/make_digits.py
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """Write 8x8 images of values 0 to 16 as bytes, with their labels; without pickle, and the same bytes each time."""
    bundle = load_digits()
    target = Path(__file__).with_name("digits.npz")
    np.savez_compressed(target, images=bundle.images.astype(np.uint8), labels=bundle.target.astype(np.uint8))
    print(f"{target.name}: {len(bundle.images)} images, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
