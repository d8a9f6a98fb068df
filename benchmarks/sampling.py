"""One step of a sampler, compared with other implementations: ``python benchmarks/sampling.py [--markdown]``.

It is an Euler-Maruyama step of the reverse SDE with the default network, an MLP 128x3 with Fourier features, and with the
same network without them. It runs on one core, or on two with ``--threads 2``. The other implementations use the threads
within each call; the program divides the points among the threads, as always with small networks.

- *plain*: the same network as a module without gradients, all particles at once, and the same step written out;
- *smalldiffusion*: a step of its DDPM sampler with its MLP of the same width and depth, without features (extra ``bench``).
"""

import itertools
from collections.abc import Callable, Iterator

import torch
import typer
from turns import Row, Work, in_turns, keep_to, rows, table

from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import recommended_threads
from playground.theory.networks.base import preconditioned
from playground.theory.samplers import ReverseSDE

STEPS = 1_000_000
"""Far more steps than are measured, so that no run ends."""


def repeated(run: Callable[[], Iterator[object]], threads: int | None = None) -> Work:
    """Work that takes the next item of `run`, with so many torch threads if a number is given."""
    running = run()
    next(running)

    def work() -> int:
        before = torch.get_num_threads()
        torch.set_num_threads(threads or before)
        next(running)
        torch.set_num_threads(before)
        return 1

    return work


def own(problem: Problem, count: int) -> Work:
    generator, network = problem.generator("sampling"), problem.network().requires_grad_(False)
    start = problem.prior().sample(count, generator)
    threads = recommended_threads(problem, torch.get_num_threads())
    return repeated(lambda: ReverseSDE(problem.process(), STEPS, False).run(network, start, generator), threads)


def plain(problem: Problem, count: int) -> Work:
    process, network, generator = problem.process(), problem.network(), problem.generator("sampling")
    start, times = problem.prior().sample(count, generator), torch.linspace(1.0, 0.0, STEPS + 1)

    @torch.no_grad()
    def run() -> Iterator[torch.Tensor]:
        x = start
        for t, t_next in itertools.pairwise(times):
            sigma, g = process.sigma(t), process.diffusion(t)
            score = preconditioned(network.raw, x, sigma.expand(count))
            x = x + (t - t_next) * g**2 * score + (t - t_next).sqrt() * g * torch.randn(x.shape, generator=generator)
            yield x

    return repeated(run)


def smalldiffusion(problem: Problem, count: int) -> Work:
    from smalldiffusion import ScheduleLogLinear, TimeInputMLP, samples

    settings = problem.experiment.network
    model = TimeInputMLP(hidden_dims=(settings.width,) * settings.depth)
    sigmas = ScheduleLogLinear(200_000, 0.01, 10.0).sample_sigmas(100_000)
    return repeated(lambda: samples(model, sigmas, gam=1.0, mu=0.5, batchsize=count))


PEERS: dict[str, Callable[[Problem, int], Work]] = {
    "own": own,
    "plain PyTorch": plain,
    "smalldiffusion": smalldiffusion,
}


def measured(counts: tuple[int, ...], rounds: int, seconds: float) -> Iterator[Row]:
    for network, features in (("MLP 128x3", 64), ("no features", 0)):
        problem = Problem.build(replace(Experiment(), {"network.features": features}))
        for count in counts:
            works = {}
            for name, make in PEERS.items():
                try:
                    works[name] = make(problem, count)
                except ImportError as error:
                    print(f"{name}: left out ({error})")
            times = in_turns(works, rounds, seconds)
            yield from rows(f"sampler step, {count:,} particles, {network}", times, dict.fromkeys(PEERS, 1.3))


def main(rounds: int = 9, seconds: float = 0.5, threads: int = 1, markdown: bool = False) -> None:
    """Print the table."""
    keep_to(threads)
    table(measured((2_000, 100_000), rounds, seconds), markdown)


if __name__ == "__main__":
    typer.run(main)
