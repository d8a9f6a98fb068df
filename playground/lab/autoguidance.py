"""Autoguidance: the learned score beside that of an earlier training step, see :class:`playground.theory.guidance.GuidedScore`.

This module imports no torch, because the window asks it which step is meant.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from playground.kinds.samplers import FollowsScore
from playground.lab.settings import Experiment

if TYPE_CHECKING:
    from playground.lab.checkpoints import Weights
    from playground.lab.problem import Problem
    from playground.theory.guidance import LabelledScore
    from playground.theory.networks import ScoreNetwork

PART = 10
"""How many times fewer steps the weaker network has made by default. Karras et al. 2024 found 1/16 best for images."""


def asks_checkpoint(experiment: Experiment) -> bool:
    """Whether samples follow the score of an earlier training step too."""
    sampling = experiment.sampling
    return isinstance(sampling, FollowsScore) and sampling.follows_checkpoint and sampling.guidance > 0


def weaker_step(experiment: Experiment, kept: Iterable[int], now: int) -> int | None:
    """The training step whose weights guide: of the kept ones before `now`, the nearest to the one asked for, in ratio.

    None if none is kept, or none is asked for.
    """
    sampling = experiment.sampling
    if not asks_checkpoint(experiment):
        return None
    assert isinstance(sampling, FollowsScore)
    return nearest_earlier(kept, now, None if sampling.guide_step == "auto" else sampling.guide_step)


def nearest_earlier(kept: Iterable[int], now: int, asked: int | None = None) -> int | None:
    """The step before `now` among the kept ones that is nearest to the asked one, in ratio; None if none is before.

    Args:
        asked: by default a tenth of `now`.
    """
    wanted = 1 + (now / PART if asked is None else asked)
    earlier = [step for step in kept if step < now]
    return min(earlier, key=lambda step: max((step + 1) / wanted, wanted / (step + 1)), default=None)


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
