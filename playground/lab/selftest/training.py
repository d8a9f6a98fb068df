"""The training steps written by hand, against autograd and torch's own Adam."""

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from playground.lab.audit.deviations import gap, normals, seeded
from playground.lab.audit.stated import claim
from playground.lab.weights import Weights
from playground.theory import fused_training
from playground.theory.networks import ACTIVATIONS, MLP
from playground.theory.networks.mlp import Perceptron

RATES = [1e-2, 2e-2, 5e-3]
POINTS, DIM = 30, 3
AVERAGED = 0.9
Network = TypeVar("Network", bound=Perceptron)


def network(kind: Callable[..., Network], activation: str = "silu", dim: int = DIM, std: float = 1.0) -> Network:
    """A small network in float64 whose last layer is not 0."""
    made = kind(dim, width=12, depth=2, activation=activation, features=6, scale=1.5, generator=seeded()).double()
    torch.nn.init.normal_(made.out.weight, std=std, generator=seeded(1))
    return made


def draws() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points, normal numbers, noise levels and weights for each step."""
    x, z = normals(2, len(RATES), POINTS, DIM, seed=2)
    sigma = normals(len(RATES), POINTS, seed=3).exp()
    return x, z, sigma, sigma.square() * (1 + sigma)


def by_hand(steps: Callable[..., Tensor], made: MLP, *drawn: object) -> tuple[Tensor, Tensor, Tensor]:
    """Mean loss, weights and averaged weights after the steps of one call."""
    made = copy.deepcopy(made)
    weights = Weights(made, copy.deepcopy(made))
    loss = steps(*drawn, *weights.arguments(made, RATES, AVERAGED))
    return loss, weights.live, weights.average


def by_autograd(made: Perceptron, loss_of: Callable[[Perceptron, int], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    made = copy.deepcopy(made)
    adam = torch.optim.Adam(made.parameters(), betas=(0.9, 0.99), eps=1e-8)
    average, losses = parameters_to_vector(made.parameters()).detach(), []
    for step, rate in enumerate(RATES):
        loss = loss_of(made, step)
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = rate
        adam.step()
        keep = min(AVERAGED, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * parameters_to_vector(made.parameters()).detach()
        losses.append(loss.detach())
    return torch.stack(losses).mean(), parameters_to_vector(made.parameters()).detach(), average


def furthest(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> float:
    return max(gap(a, b) for a, b in zip(found, expected, strict=True))


def denoising_loss(made: Perceptron, step: int) -> Tensor:
    """Return the loss of the points of one step of :func:`draws`."""
    x, z, sigma, weight = (part[step] for part in draws())
    residual: Tensor = made(x + sigma[:, None] * z, sigma) + z / sigma[:, None]
    return (weight * residual.square().sum(1)).mean()


@claim("training", "{}: denoising steps are those of autograd and Adam", 1e-8, each=ACTIVATIONS)
def denoising(activation: str) -> float:
    made = network(MLP, activation)
    return furthest(by_hand(fused_training.denoising_steps, made, *draws()), by_autograd(made, denoising_loss))


@claim("training", "{}: sliced steps are those of autograd and Adam", 1e-8, each=ACTIVATIONS)
def matching(activation: str) -> float:
    """Sliced score matching along two directions, in the form with 1/2 |s|^2."""
    x, _, sigma, weight = draws()
    directions = normals(len(RATES), 2, POINTS, DIM, seed=4)

    def loss(made: Perceptron, step: int) -> Tensor:
        at = x[step].clone().requires_grad_()
        score: Tensor = made(at, sigma[step])
        total = 0.5 * score.square().sum(1)
        for v in directions[step]:
            (row,) = torch.autograd.grad((v * score).sum(), at, create_graph=True)
            total = total + 0.5 * (v * row).sum(1)
        return (weight[step] * total).mean()

    made = network(MLP, activation)
    drawn = (x, directions, sigma, weight, 0.5, False)
    return furthest(by_hand(fused_training.matching_steps, made, *drawn), by_autograd(made, loss))
