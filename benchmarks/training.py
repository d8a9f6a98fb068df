"""Steps of training, compared with other implementations: ``python benchmarks/training.py [--markdown]``.

All of them train the default network (an MLP 128x3 with Fourier features, batch 512, averaged weights) on two moons, the
same network without features (106 MFLOP per step), and the U-Net on the digits, with the same draws of noise levels:

- *plain loop*: the loop of tutorials: the same network and objective by autograd (two backward passes for exact and sliced
  matching), torch.optim.Adam, and torch's averaged model; also with Adam in one pass (``fused=True``), as in the program;
  for the U-Net with and without channels-last memory;
- *smalldiffusion*: its loop with its MLP of the same width and depth. It has no average and no Fourier features, so a third
  fewer multiplications than the default network; a tenth of its step assembles the batch (extra ``bench``);
- *JAX*: the same network and denoising loss under jit, fifty steps per scan (extra ``bench``).

The process uses as many cores as threads, JAX and its thread pool too.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
import typer
from turns import Row, Work, in_turns, keep_to, rows, table

from playground.lab.experiment import Experiment, replace
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.networks import MLP, UNet

Steps = Iterator[int]
"""Yields the number of steps since the last item."""


def own(problem: Problem) -> Steps:
    trainer, made = Trainer(problem), 0
    for progress in trainer:
        yield progress.step - made
        made = progress.step


def plain(problem: Problem, layout: torch.memory_format = torch.contiguous_format, fused: bool = False) -> Steps:
    network, objective, generator = problem.network(), build_objective(problem), problem.generator("training")
    if isinstance(network, UNet):
        network.layout = layout
        for kernel in network.parameters():
            if kernel.ndim == 4:
                kernel.data = kernel.data.contiguous(memory_format=layout)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3, fused=fused)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    )
    while True:
        chosen = torch.randint(len(problem.train), (problem.batch,))
        x, labels = problem.train[chosen], problem.labels
        sigma = problem.noise.training_sigmas(problem.batch, generator).to(x)
        score = network if labels is None else functools.partial(network, label=labels[chosen])
        optimizer.zero_grad()
        objective.loss(score, x, sigma, generator).mean().backward()
        optimizer.step()
        average.update_parameters(network)
        yield 1


def smalldiffusion(problem: Problem) -> Steps:
    from smalldiffusion import ScheduleLogLinear, TimeInputMLP, training_loop
    from torch.utils.data import DataLoader, Dataset

    width, depth = problem.experiment.network.width, problem.experiment.network.depth
    rows = cast("Dataset[torch.Tensor]", problem.train)  # has what a loader asks for
    loader = DataLoader(rows, batch_size=problem.batch, shuffle=True, drop_last=True)
    model = TimeInputMLP(hidden_dims=(width,) * depth)
    for _ in training_loop(loader, model, ScheduleLogLinear(200, 0.01, 10.0), epochs=10_000):
        yield 1


def jax_scan(problem: Problem) -> Steps:
    import jax
    import jax.numpy as jnp

    network = problem.network().requires_grad_(False)
    assert isinstance(network, MLP)
    tables = network.get_buffer("frequencies"), network.noise.get_buffer("frequencies")
    frequencies, tones = (jnp.asarray(table.numpy()) for table in tables)
    layers = [*network.hidden, network.out]
    parameters = [(jnp.asarray(layer.weight.numpy()), jnp.asarray(layer.bias.numpy())) for layer in layers]
    data, batch = jnp.asarray(problem.train.numpy()), problem.batch

    def loss(parameters: Any, x: Any, z: Any, sigma: Any) -> Any:
        inverse = 1 / jnp.sqrt(sigma**2 + 1)
        y, noise = (x + sigma[:, None] * z) * inverse[:, None], jnp.log(sigma) / 4
        angles, phases = y @ frequencies, noise[:, None] * tones
        h = jnp.concatenate(
            [y, jnp.cos(angles), jnp.sin(angles), noise[:, None], jnp.sin(phases), jnp.cos(phases)], axis=1
        )
        for weight, bias in parameters[:-1]:
            h = jax.nn.silu(h @ weight.T + bias)
        weight, bias = parameters[-1]
        score = inverse[:, None] * ((h @ weight.T + bias) / sigma[:, None] - y)
        residual = jnp.square(score + z / sigma[:, None]).sum(1)
        return (sigma**2 * (sigma**2 + 1) * residual).mean()

    def step(carry: Any, key: Any) -> Any:
        parameters, first, second, average, count = carry
        rows, levels, noise = jax.random.split(key, 3)
        x = data[jax.random.randint(rows, (batch,), 0, len(data))]
        sigma = jnp.exp(-1.2 + 1.4 * jax.random.normal(levels, (batch,)))
        value, gradients = jax.value_and_grad(loss)(parameters, x, jax.random.normal(noise, x.shape), sigma)
        first = jax.tree.map(lambda old, new: old + 0.1 * (new - old), first, gradients)
        second = jax.tree.map(lambda old, new: old + 0.01 * (new**2 - old), second, gradients)
        parameters = jax.tree.map(
            lambda p, m, v: p - 3e-3 * m / (1 - 0.9**count) / (jnp.sqrt(v / (1 - 0.99**count)) + 1e-8),
            parameters,
            first,
            second,
        )
        average = jax.tree.map(lambda old, new: old + 0.002 * (new - old), average, parameters)
        return (parameters, first, second, average, count + 1), value

    scan = jax.jit(lambda carry, keys: jax.lax.scan(step, carry, keys))
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    carry, key = (parameters, zeros, zeros, parameters, 1.0), jax.random.key(0)
    while True:
        key, now = jax.random.split(key)
        carry, values = scan(carry, jax.random.split(now, 50))
        values.block_until_ready()
        yield 50


def work(steps: Steps) -> Work:
    next(steps)
    return lambda: next(steps)


Peers = dict[str, Callable[[Problem], Steps]]
OWN: Peers = {"own": own}
DENOISING: dict[str, object] = {"objective.kind": "denoising", "objective.target_batch": 1}
NETWORKS: dict[str, dict[str, object]] = {"MLP 128x3": {}, "the same without features": {"network.features": 0}}
ROWS: tuple[tuple[str, dict[str, object], Peers, dict[str, float]], ...] = (
    *(
        row
        for network, changes in NETWORKS.items()
        for row in (
            (
                f"denoising step, {network}",
                changes | DENOISING,
                OWN
                | {
                    "plain loop": plain,
                    "plain loop, Adam(fused=True)": functools.partial(plain, fused=True),
                    "smalldiffusion": smalldiffusion,
                    "JAX jit + scan": jax_scan,
                },
                {"plain loop": 1.8, "JAX jit + scan": 1.0},
            ),
            (
                f"exact step, {network}",
                changes | {"objective.kind": "exact"},
                OWN | {"plain loop, twice backward": plain},
                {"plain loop, twice backward": 2.5},
            ),
            (
                f"sliced step, {network}",
                changes | {"objective.kind": "sliced"},
                OWN | {"plain loop, twice backward": plain},
                {"plain loop, twice backward": 2.0},
            ),
        )
    ),
    (
        "denoising step, U-Net of the digits",
        {"data.kind": "digits"} | DENOISING,
        OWN | {"plain loop": plain, "plain loop, channels last": functools.partial(plain, layout=torch.channels_last)},
        {"plain loop": 1.2, "plain loop, channels last": 1.2},
    ),
)


def measured(rounds: int, seconds: float) -> Iterator[Row]:
    for name, changes, peers, asked in ROWS:
        problem = Problem.build(replace(Experiment(), {"training.steps": 1_000_000_000} | changes))
        works: dict[str, Work] = {}
        for peer, make in peers.items():
            try:
                works[peer] = work(make(problem))
            except ImportError as error:
                print(f"{peer}: left out ({error})")
        yield from rows(name, in_turns(works, rounds, seconds), asked, f"batch {problem.batch}")


def main(rounds: int = 9, seconds: float = 0.5, threads: int = 1, markdown: bool = False) -> None:
    """Print the table."""
    keep_to(threads)
    table(measured(rounds, seconds), markdown)


if __name__ == "__main__":
    typer.run(main)
