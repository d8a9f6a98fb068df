"""Steps a second of training beside what people would otherwise write: ``python benchmarks/training.py``.

All train the default network (an MLP 128x3 with Fourier features, batch 512, averaged weights) on two moons, in turns in
one process, and the medians are compared:

- *plain*: the loop of the tutorials: the same network and objective by autograd (twice backward for exact and sliced
  matching), torch.optim.Adam, torch's own averaged model;
- *smalldiffusion*: its own loop with its MLP of the same width and depth, which has no Fourier features (extra ``bench``);
- *JAX*: the same network and denoising loss under jit, fifty steps a scan (extra ``bench``).
"""

import statistics
import time
from collections.abc import Callable, Iterator

import torch
import typer

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer, build_objective

Steps = Iterator[int]
"""Yields how many steps were made since the last time."""


def own(problem: Problem) -> Steps:
    trainer, made = Trainer(problem), 0
    for progress in trainer:
        yield progress.step - made
        made = progress.step


def plain(problem: Problem) -> Steps:
    network, objective, generator = problem.network(), build_objective(problem), problem.generator("training")
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    )
    while True:
        x = problem.train[torch.randint(len(problem.train), (problem.batch,))]
        sigma = problem.noise.training_sigmas(problem.batch, generator).to(x)
        optimizer.zero_grad()
        objective.loss(network, x, sigma, generator).mean().backward()
        optimizer.step()
        average.update_parameters(network)
        yield 1


def smalldiffusion(problem: Problem) -> Steps:
    from smalldiffusion import ScheduleLogLinear, TimeInputMLP, training_loop
    from torch.utils.data import DataLoader

    width, depth = problem.experiment.network.width, problem.experiment.network.depth
    loader = DataLoader(problem.train, batch_size=problem.batch, shuffle=True, drop_last=True)
    model = TimeInputMLP(hidden_dims=(width,) * depth)
    for _ in training_loop(loader, model, ScheduleLogLinear(200, 0.01, 10.0), epochs=10_000):
        yield 1


def jax_scan(problem: Problem) -> Steps:
    import jax
    import jax.numpy as jnp

    network = problem.network()
    frequencies, tones = (jnp.asarray(table.numpy()) for table in network.tables)
    parameters = [
        (jnp.asarray(layer.weight.detach().numpy()), jnp.asarray(layer.bias.detach().numpy()))
        for layer in network.layers
    ]
    data, batch = jnp.asarray(problem.train.numpy()), problem.batch

    def loss(parameters, x, z, sigma):
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

    def step(carry, key):
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


PEERS: dict[str, Callable[[Problem], Steps]] = {
    "own": own,
    "plain": plain,
    "smalldiffusion": smalldiffusion,
    "JAX": jax_scan,
}


def rate(steps: Steps, seconds: float) -> float:
    """Steps a second."""
    start, made = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        made += next(steps)
    return made / (time.perf_counter() - start)


def main(seconds: float = 1.0, rounds: int = 7, threads: int = 1) -> None:
    torch.set_num_threads(threads)
    for kind in ("denoising", "exact", "sliced"):
        problem = Problem.build(
            replace(Experiment(), {"objective.kind": kind, "objective.reference": 1, "training.steps": 1_000_000})
        )
        running: dict[str, Steps] = {}
        for name, make in PEERS.items():
            if kind != "denoising" and name not in ("own", "plain"):
                continue
            try:
                running[name] = make(problem)
                next(running[name])
            except ImportError as error:
                print(f"{name}: left out ({error})")
                running.pop(name, None)
        rates: dict[str, list[float]] = {name: [] for name in running}
        for _ in range(rounds):
            for name, steps in running.items():
                rates[name].append(rate(steps, seconds))
        print(f"{kind}, MLP 128x3, batch {problem.batch}, {threads} thread(s), medians of {rounds}:")
        for name, found in rates.items():
            ratio = statistics.median(mine / its for mine, its in zip(rates["own"], found, strict=True))
            print(f"  {name:>15}: {statistics.median(found):6.0f} steps/s   own is {ratio:.2f} times that")


if __name__ == "__main__":
    typer.run(main)
