"""What a user reads off the canvas: its caption, and its pixels."""

import re

import numpy as np

from tests.journeys.user import User


def step(user: User) -> int:
    """The step that the caption of the canvas names."""
    return int(read(user, r"(?:step|frame) (\d+)/"))


def sigma(user: User) -> float:
    """The noise level that it names."""
    return numbers(read(user, "σ = ([^ ,]+)"))[0]


def read(user: User, pattern: str, canvas: str = "Canvas") -> str:
    """What a group of a regular expression matches in the caption of the canvas, as soon as it does."""
    found: list[str] = []

    def there() -> bool:
        found[:] = re.findall(pattern, user.find(canvas, "Canvas").value)
        return bool(found)

    user.wait(there, f"{pattern!r} in the caption")
    return found[0]


def numbers(text: str) -> list[float]:
    """All numbers in a text."""
    text = re.sub(r"(?<=\d) (?=\d{3})", "", text.replace("−", "-"))
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def pause(user: User) -> None:
    user.click("Pause", "Button")
    user.find("Play", "Button")


def at_the_end(user: User) -> None:
    """Pause, and go to the end of a run of 40 steps, as soon as it has begun."""
    user.wait(user.moves, "particles to move")
    pause(user)
    user.press("E")
    user.reads("step 41/41")


def show_only(user: User, *layers: str) -> None:
    """Click chips until only these layers are shown."""
    for chip in user.finds("Layer: .*", "CheckBox"):
        if chip.enabled and chip.checked != (chip.name.removeprefix("Layer: ") in layers):
            user.click(re.escape(chip.name), "CheckBox")


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other)


def amber(picture: np.ndarray) -> np.ndarray:
    """Where a picture has the colour of the chip of particles, (height, width)."""
    return np.asarray(picture[:, :, 0] - picture[:, :, 2].astype(int) > 100)


def one_of(picture: np.ndarray) -> tuple[float, float]:
    """Where one particle is in a picture, away from its edges."""
    height, width = picture.shape[:2]
    middle = amber(picture)[height // 4 : height // 2, width // 4 : 3 * width // 4]
    rows, columns = np.nonzero(middle)
    return (width // 4 + columns[0]) / (width - 1), (height // 4 + rows[0] + 1) / (height - 1)


def comes_back(user: User, picture: np.ndarray) -> None:
    user.wait(lambda: same(picture, user.picture()), "the very same picture")
