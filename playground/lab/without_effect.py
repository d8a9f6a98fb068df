"""Settings that have no effect with the other settings or with these data.

They are no errors, because one file may be used for several runs. The window hides settings without an effect.
"""

from collections.abc import Iterator

from playground.lab.experiment import fields, value
from playground.lab.problem import Problem
from playground.messages import Message, setting


def settings_without_effect(problem: Problem) -> Iterator[Message]:
    """Yield a message for each setting that is not at its default and has no effect."""
    experiment = problem.experiment
    for key, field in fields(experiment).items():
        given = value(experiment, key)
        if given != field.default and field.otherwise and field.when is not None and not field.when(experiment):
            yield Message("without-effect", "{} changes nothing: {}.", (setting(key, given), field.otherwise), key)
    if experiment.training.early_stopping == "on" and not problem.has_held_out_loss:
        yield Message(
            "no-held-out-loss",
            "{} changes nothing: held-out points have no labels, and with {} the network always trains with labels; raise it.",
            (setting("training.early_stopping", "on"), setting("training.label_dropout", 0)),
            "training.early_stopping",
        )
    yield from experiment.sampling.without_effect(problem)
