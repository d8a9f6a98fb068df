"""Autoguidance: the learned score beside that of an earlier training step, see :class:`playground.theory.guidance.GuidedScore`.

This module imports no torch, because the window asks it which step is meant.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from playground.kinds.samplers import FollowsScore
from playground.lab.checkpoints import nearest_earlier
from playground.lab.settings import Experiment

if TYPE_CHECKING:
    from playground.lab.checkpoints import Weights
    from playground.lab.problem import Problem
    from playground.theory.guidance import LabelledScore
    from playground.theory.networks import ScoreNetwork


def asks_checkpoint(experiment: Experiment) -> bool:
    """Whether samples follow the score of an earlier training step too."""
    sampling = experiment.sampling
    return sampling.follows_checkpoint and sampling.guidance > 0


def weaker_step(experiment: Experiment, kept: Iterable[int], now: int) -> int | None:
    """The training step whose weights guide: of the kept ones before `now`, the nearest to the one asked for, in ratio.

    None if none is kept, or none is asked for.
    """
    sampling = experiment.sampling
    if not asks_checkpoint(experiment):
        return None
    assert isinstance(sampling, FollowsScore)
    return nearest_earlier(kept, now, sampling.guide_step)


def with_weaker(
    problem: "Problem", network: "ScoreNetwork", kept: "Mapping[int, Weights]", now: int
) -> "LabelledScore":
    """The score of a network, and if the experiment asks for it that of an earlier training step beside it.

    Args:
        kept: the weights of earlier steps of the network's training.
        now: the training step of the network's weights.
    """
    from playground.theory.guidance import ScoreWithWeaker

    step = weaker_step(problem.experiment, kept, now)
    if step is None:
        return network
    weaker = problem.network().requires_grad_(False)
    weaker.load_state_dict(dict(kept[step]))
    return ScoreWithWeaker(network, weaker)
