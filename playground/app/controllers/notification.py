"""Messages of controllers to the user, as values. The window words them and shows them while they hold."""

from collections.abc import Callable, Sequence
from typing import Literal

from playground.app.model.model import LiveModel
from playground.app.model.state import State
from playground.lab.experiment import Experiment
from playground.messages import Message, setting
from playground.records import record
from playground.user_errors import message_of, user_error

Level = Literal["info", "warning", "error"]
MOST_NAMED = 3  # settings that one message names


def _always() -> bool:
    return True


@record
class Notification:
    """One message to the user.

    Attributes:
        message: a sentence, or a message that the window words.
        action: the key of an action that it offers; "" for none.
        is_current: returns whether it still holds; if not, it disappears.
    """

    level: Level
    message: Message | str
    action: str = ""
    is_current: Callable[[], bool] = _always


def notify(
    state: State, level: Level, message: Message | str, action: str = "", is_current: Callable[[], bool] = _always
) -> None:
    """Tell the user something, see :class:`Notification`."""
    state.notified.emit(Notification(level, message, action, is_current))


def notify_conflict(state: State, why: Callable[[], Message | None], level: Level = "warning") -> None:
    """Tell of a conflict of the current settings, until it is resolved."""
    found = why()
    assert found is not None
    notify(state, level, found, is_current=lambda: why() == found)


def refused(state: State, why: Callable[[Experiment], Message | None]) -> bool:
    """Whether the settings conflict with what is asked for, which is then told."""
    if why(state.experiment) is None:
        return False
    notify_conflict(state, lambda: why(state.experiment))
    return True


def notify_stopped(state: State, what: str, error: BaseException) -> None:
    """Tell of work that ended with an error. The log is offered only for an error of the program."""
    action = "help.log" if user_error(error) is None else ""
    notify_of_settings(state, Message("stopped", "{} stopped: {}", (what, message_of(error))), action)


def notify_of_last_step(state: State, message: Message) -> None:
    """Tell what the last step has done, until it is undone; undo is offered."""
    step = state.last_step

    def is_done() -> bool:
        return step is None or any(state.stack.command(place) is step for place in range(state.stack.index()))

    notify(state, "info", message, "" if step is None else "edit.undo", is_done)


def notify_cleared(state: State, keys: Sequence[str]) -> None:
    """Tell which settings other data returned to their defaults."""
    named = [setting(key) for key in keys[:MOST_NAMED]]
    more = len(keys) - len(named)
    names = ", ".join(["{}"] * len(named)) + (f" and {more} more" if more else "")
    said = Message("cleared", f"With other data these have their defaults again: {names}.", tuple(named))
    notify_of_last_step(state, said)


def notify_held_out(state: State, model: LiveModel) -> None:
    """Tell that a training began with fewer held-out points than the settings ask for."""
    count = len(model.problem.dataset.held_out)
    text = "{:,} of these data were held out when training started. Reset holds out more."

    def is_current() -> bool:
        now = state.model
        return now is not None and now.training is model.training and now.could_hold_out_more

    notify(state, "info", Message("held-out", text, (count,)), is_current=is_current)


def notify_of_settings(state: State, message: Message, action: str = "") -> None:
    """Tell of an error until a setting that it names is changed."""

    def named() -> dict[str, object]:
        return {key: state.value(key) for key in message.keys & state.fields().keys()}

    before = named()
    notify(state, "error", message, action, lambda: named() == before)
