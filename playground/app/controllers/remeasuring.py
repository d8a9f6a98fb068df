"""What was measured, when the weights in view become others."""

from collections.abc import Callable

from playground.app.controllers.building import Building
from playground.app.controllers.replaying import Replaying
from playground.app.controllers.training import Training


def remeasure(
    building: Building,
    training: Training,
    replaying: Replaying,
    remove: Callable[[], tuple[set[str], set[str]]],
    measure: Callable[[str], None],
    while_playing: bool = False,
) -> None:
    """Have what was measured removed when the weights in view become others, and measured again.

    What is in progress when training begins or pauses, or when likelihoods use another score, starts again at once. After another
    training step was chosen, what was in progress or in view is measured once the step has stayed for a moment.

    Args:
        remove: removes what is of other weights; returns the measurements that were in progress, and those that were in view.
        measure: begins one of them.
        while_playing: whether a step is measured though another comes at once.
    """
    waiting = set[str]()

    def restart() -> None:
        waiting.clear()
        for job in remove()[0]:
            measure(job)

    def settled(plays: bool) -> None:
        jobs = list(waiting) if while_playing or not plays else []
        waiting.difference_update(jobs)
        for job in jobs:
            measure(job)

    building.taken.connect(waiting.clear)
    building.settings_changed.connect(lambda keys: restart() if "likelihood.source" in keys else None)
    training.weights_changed.connect(restart)
    replaying.chosen.connect(lambda: waiting.update(*remove()))
    replaying.settled.connect(settled)
