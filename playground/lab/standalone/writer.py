"""The stand-alone script of an experiment: settings, definitions, data, training and sampling."""

import dataclasses
import io
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.data import Dataset
from playground.kinds.kind import registered
from playground.kinds.samplers import FollowsScore
from playground.lab import early_stopping
from playground.lab.autoguidance import asks_checkpoint
from playground.lab.conditioning import conditioned_score
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment
from playground.lab.objective import build_held_out_objective
from playground.lab.problem import Problem
from playground.lab.reflow import HALF, PAIRS
from playground.lab.reflow import STEPS as REFLOW_STEPS
from playground.lab.sampling import make_sampler
from playground.lab.standalone.bundle import PLAIN, Bundle
from playground.lab.standalone.expressions import Expressions
from playground.lab.standalone.recording import Recording
from playground.lab.standalone.source import OURS
from playground.lab.training import Trainer
from playground.theory.guidance import GuidedScore, ScoreWithWeaker
from playground.theory.objectives import ScoreMatching
from playground.version import __version__

VARIABLES = (
    "data density points labels held_out x sigma label process noise network averaged",
    "objective parameters live first second average generator generator_of_check step rows components loss",
    "losses gradient drawn done rate begun held_out_objective check_sigma validation best best_loss best_step",
    "score empirical sampler start frames samples part count",
    "train",
    "pairs matched_pairs begin flow last checkpoints weaker",
)
"""The variables of the script's own code, in lines."""

SETTINGS = (
    "DATA_SEED TRAINING_SEED SAMPLING_SEED",
    "POINTS OFFSET SCALE BATCH LEARNING_RATE LR_SCHEDULE EMA_DECAY STEPS SECONDS BLOCK SIGMA_DISTRIBUTION",
    "GREY_LEVEL LABEL_DROPOUT CHECKED VALIDATION PATIENCE PARTICLES LABEL GUIDANCE",
    "REFLOW_PAIRS REFLOW_STEPS GUIDE_STEP",
)
"""The constants of the script's own code, in lines."""

SECTIONS = {
    "playground.theory.densities": "Data",
    "playground.theory.log_sums": "Data",
    "playground.data": "Data",
    "playground.kinds": "Data",
    "playground.theory.noise": "Noise",
    "playground.theory.monotone": "Noise",
    "playground.theory.networks": "Network",
    "playground.theory.parametrizations": "Network",
    "playground.theory.objectives": "Objective",
    "playground.theory.partition": "Objective",
    "playground.lab.early_stopping": "Training",
    "playground.lab.learning_rate": "Training",
    "playground.lab.checkpoints": "Training",
    "playground.lab.autoguidance": "Sampler",
    PLAIN: "Random numbers, targets, optimizer",
    "playground.theory": "Sampler",
}
"""The section of a definition, by the beginning of its module's name; the longest counts. Their order is that of the script."""
OWN = "Own kinds"
WIDTH = 120
OWN_IMPORTS = (
    "import copy",
    "import functools",
    "import math",
    "import time",
    "import types",
    "import numpy as np",
    "import torch",
)
"""The imports that the script's own code may need."""


@dataclass(frozen=True, eq=False)
class Script:
    """A stand-alone script.

    Attributes:
        title: what it does, in one line.
        header: the text before the code.
        imports, settings: code.
        definitions, run: the sections of code, each with its title.
        arrays: the contents of the file of data beside the script, by name; empty if it needs none.
        data_name: the name of that file.
        shape: the shape of one point.
        in_user_units: `samples` in the user's units, as an expression of those in the script's own.
    """

    title: str
    header: str
    imports: str
    settings: str
    definitions: Sequence[tuple[str, str]]
    run: Sequence[tuple[str, str]]
    arrays: dict[str, np.ndarray]
    data_name: str
    shape: tuple[int, ...]
    in_user_units: str

    def restored(self, points: str) -> str:
        """Points of the script in the user's units, both as expressions."""
        return f"({self.in_user_units.replace('samples', points, 1)})"

    def text(self) -> str:
        """The script."""
        quote = "r" if "\\" in self.header else ""
        parts = [f'{quote}"""{self.header}"""\n\n{self.imports}']
        parts += [f"{_rule(title)}\n\n{code}" for title, code in self.sections("Path(__file__).with_name({!r})")]
        return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"

    def sections(self, place: str = "{!r}") -> list[tuple[str, str]]:
        """The code after the imports, in sections with their titles.

        Args:
            place: the place of the file of data as an expression, with its name for "{!r}".
        """
        settings = self.settings
        if self.arrays:
            settings += f"\n\ndata = np.load({place.format(self.data_name)})"
        return [("Settings", settings), *self.definitions, *self.run]

    def data(self) -> bytes:
        """The file of data."""
        file = io.BytesIO()
        np.savez_compressed(file, **self.arrays)  # type: ignore[arg-type]
        return file.getvalue()


def standalone(experiment: Experiment, dataset: Dataset | None = None, data_name: str = "script-data.npz") -> Script:
    """The stand-alone script of an experiment.

    Args:
        dataset: its data, if they are not to be loaded anew; points of a known density always are.
        data_name: the name of the file of data.

    Raises:
        ExperimentError, DataError: the experiment cannot be trained or sampled.
        NoSource: the source of a kind cannot be read, or it makes an object in a way that cannot be written.
    """
    return _Writer(experiment, dataset, data_name).script()


class _Writer:
    def __init__(self, experiment: Experiment, dataset: Dataset | None, data_name: str) -> None:
        plugins = frozenset(kind.__module__ for kind in registered() if not kind.__module__.startswith(f"{OURS}."))
        self._recording = Recording(plugins)
        if dataset is not None and dataset.density is not None:
            dataset = None  # the script draws its own points of a known density
        with self._recording:
            problem = Problem.build(experiment, dataset)
            trainer = Trainer(problem)
            problem = trainer.problem
            sampler = make_sampler(problem, trainer.ema)
            held_out_objective = build_held_out_objective(problem) if problem.stops_early else None
            weaker = problem.network() if asks_checkpoint(experiment) else None
            both = ScoreWithWeaker(trainer.ema, weaker)
            score = conditioned_score(problem, problem.known_score() or (both if weaker else trainer.ema))
            start = problem.experiment.sampling.start_of_run(problem)
        self._problem, self._trainer, self._sampler = problem, trainer, sampler
        self._held_out_objective, self._score, self._start, self._weaker = held_out_objective, score, start, weaker
        self._settings = resolve(experiment)
        self._bundle = Bundle(" ".join(VARIABLES).split())
        self._write = Expressions(self._recording, self._bundle, experiment)
        self._data_name, self._restored = data_name, ""
        self._write.call(both, "averaged")
        self._write.taken = frozenset(" ".join(SETTINGS).split())

    def script(self) -> Script:
        run = [
            ("The data", self._data()),
            ("The noise and the network", self._built()),
            ("Training", self._training()),
            ("Sampling", self._sampling()),
        ]
        code = "\n".join(part for _, part in run)
        settings = "\n".join(f"{name} = {_number(value)}" for name, value in self._write.constants.items())
        self._bundle.complete(f"{settings}\n{code}")
        definitions = self._definitions()
        texts = [text for _, text in definitions]
        imports = self._bundle.imports([*texts, code])
        own = [line for line in OWN_IMPORTS if f"{line.split()[-1]}." in code]
        own += ["from pathlib import Path"] if self._write.arrays else []
        title = self._title()
        return Script(
            title,
            self._header(title),
            "from __future__ import annotations\n\n" + _import_text({*imports, *own}),
            settings,
            definitions,
            run,
            self._write.arrays,
            self._data_name,
            self._problem.shape,
            self._restored,
        )

    def _title(self) -> str:
        chosen = self._settings
        words = [chosen.data.phrase, chosen.noise.phrase, f"{chosen.network.title}", chosen.objective.title.lower()]
        return f"{words[0][0].upper()}{words[0][1:]}: {words[1]}, {words[2]}, {words[3]}; sampled by {chosen.sampling.title}"

    def _header(self, title: str) -> str:
        paragraphs = [
            f"{title}.",
            "This file trains the network on the CPU, draws samples and writes them to samples.npy. It needs torch and numpy, and "
            f"nothing else. Score Playground {__version__} wrote it from its own source: the same settings give the same losses and "
            "samples, to rounding. If training ends after a time and not after steps, they depend on the machine. Unlike the "
            "program, it does not stop if training diverges.",
            "Copyright (c) 2026 The Score Playground authors. MIT License: use, change and pass it on as you like, with this notice "
            "and without any warranty.",
        ]
        if self._write.arrays:
            paragraphs.insert(2, f"Its data are in {self._data_name} beside it.")
        return "\n\n".join(textwrap.fill(paragraph, WIDTH) for paragraph in paragraphs) + "\n"

    def _definitions(self) -> list[tuple[str, str]]:
        titles = [*dict.fromkeys(SECTIONS.values()), OWN]
        rank = {module: titles.index(title) for module, title in SECTIONS.items()}
        sections: dict[int, list[str]] = {}
        earliest = len(titles) - 1
        for key in reversed(self._bundle.ordered(rank)):
            best = max((module for module in SECTIONS if key[0].startswith(module)), key=len, default="")
            earliest = min(earliest, rank.get(best, earliest))  # a base class may be needed before its own section
            sections.setdefault(earliest, []).append(self._bundle.text(key))
        return [(titles[place], _joined(sections[place][::-1])) for place in sorted(sections)]

    def _set(self, name: str, value: object) -> str:
        return self._write.constant(name, value)

    def _define(self, name: str, value: object, purpose: str = "") -> str:
        """The statement that makes a value again; from now on it is called by its name."""
        text = self._write.of(value, name, name.upper(), purpose)
        self._write.call(value, name)
        return _wrapped(f"{name} = {text}")

    # The parts of the script

    def _data(self) -> str:
        problem, write, lines = self._problem, self._write, []
        dataset, units = problem.dataset, problem.units
        if dataset.density is not None:
            lines.append(self._define("density", dataset.density))
            drawn = self._bundle.need("playground.data.dataset", "_generator")
            points = self._set("POINTS", len(dataset.points))
            sampled = f"({points}, {drawn}({self._write.seed('points')}, stream=0))"
            if dataset.labels is None:
                lines.append(f"points = density.sample{sampled}.numpy()")
            else:
                lines.append(f"points, components = density.sample_with_components{sampled}")
                lines.append("points, labels = points.numpy(), density.classes[components]")
        else:
            write.arrays["points"] = dataset.points
            lines.append('points = data["points"]')
        if len(problem.shape) == 1:
            self._set("OFFSET", tuple(units.offset.tolist()))
            offset = "np.array(OFFSET)"
        else:
            write.arrays["offset"] = units.offset
            offset = 'data["offset"]'
        scale = "SCALE" if units.isotropic else "np.array(SCALE)"
        self._set("SCALE", float(units.scale.flat[0]) if units.isotropic else tuple(units.scale.tolist()))
        lines.append("# In these units the data have mean 0 and mean variance 1.")
        lines.append(f"points = torch.from_numpy(((points - {offset}) / {scale}).astype(np.float32))")
        self._restored = f"samples * {scale} + {offset}"
        write.call(problem.train, "points")
        if dataset.labels is not None and dataset.density is None:
            write.arrays["labels"] = dataset.labels
            lines.append('labels = torch.from_numpy(data["labels"])')
        return "\n".join(lines)

    def _built(self) -> str:
        problem, lines = self._problem, []
        process = problem.process() if problem.experiment.noise.has_path else None
        made = self._recording.made(process)
        if process is not None and made is not None and made.owner is None:
            lines.append(self._define("process", process))
        lines.append(self._define("noise", problem.noise))
        if problem.noise.start is not None:
            self._write.call(problem.noise.start, "noise.start")
        if process is not None and (made is None or made.owner is not None):
            lines.append("process = noise.process()")
            self._write.call(process, "process")
        lines.append(self._define("network", self._trainer.network, "network"))
        lines.append("averaged = copy.deepcopy(network)")
        self._write.call(self._trainer.ema, "averaged")
        lines.append(self._define("objective", self._trainer.objective))
        return "\n".join(lines)

    def _training(self) -> str:
        settings, trainer, problem = self._settings.training, self._trainer, self._problem
        adam = self._bundle.need("playground.theory.fused", "adam_with_average")
        block = trainer.drawn_at_once
        self._set("BATCH", problem.batch)
        self._set("LEARNING_RATE", settings.learning_rate)
        self._set("LR_SCHEDULE", settings.lr_schedule)
        self._set("EMA_DECAY", settings.ema_decay)
        done = []
        if settings.steps != "auto":
            self._set("STEPS", settings.steps)
            done.append("step / STEPS")
        if settings.seconds != "auto":
            self._set("SECONDS", settings.seconds)
            done.append("(time.perf_counter() - begun) / SECONDS")
        share = done[0] if len(done) == 1 else f"max({', '.join(done)})"
        lines = [
            "parameters = list(network.parameters())",
            "live = torch.cat([parameter.detach().flatten() for parameter in parameters])",
            "average, first, second = live.clone(), torch.zeros_like(live), torch.zeros_like(live)",
            "torch.nn.utils.vector_to_parameters(live, parameters)  # from now on the parameters are views of this vector",
            "torch.nn.utils.vector_to_parameters(average, averaged.parameters())",
            f"generator = {self._write.stream('training')}",
            "step, losses = 0, []",
        ]
        if settings.seconds != "auto":
            lines.append("begun = time.perf_counter()")
        if self._weaker is not None:
            lines.append(f"checkpoints = {self._bundle.need('playground.lab.checkpoints', 'Checkpoints')}()")
        early = self._held_out_objective is not None
        if early:
            lines += self._check_points()
        rate = f"{self._bundle.need('playground.lab.learning_rate', 'learning_rate')}(LEARNING_RATE, LR_SCHEDULE, step, done)"
        inner = [
            "gradient = torch.cat([part.flatten() for part in torch.autograd.grad(loss, parameters)])",
            f"{adam}(live, gradient, first, second, average, rate, step, EMA_DECAY)",
            "losses.append(float(loss.detach()))",
        ]
        lines.append(f"while (done := {share}) < 1:")
        body = []
        if self._weaker is not None:
            copied = "lambda: {name: part.clone() for name, part in averaged.state_dict().items()}"
            body.append(f"checkpoints.offer(step, {copied})")
        told = "lambda x, sigma: network(x, sigma, label)" if problem.classes else "network"
        if block > 1:
            self._set("BLOCK", block)
            body.append(
                f"count = {'min(BLOCK, STEPS - step)' if settings.steps != 'auto' else 'BLOCK'}  # steps whose random numbers are drawn together"
            )
        body += self._batch("count" if block > 1 else "1")
        if block > 1:
            assert isinstance(trainer.objective, ScoreMatching)
            parts = "sigma, label, *drawn" if problem.classes else "sigma, *drawn"
            drawn = self._drawn_starts(lines, body)
            if drawn != "drawn":
                body.append(f"drawn = {drawn}")
            body.append(f"for {parts} in zip(*(part.split(BATCH) for part in ({parts}))):")
            each = [
                f"done = {share}",
                f"rate = {rate}",
                "step += 1",
                f"loss = objective.loss_of({told}, sigma, *drawn).mean()",
                *inner,
            ]
            body += [f"    {line}" for line in each]
        else:
            body += [
                f"rate = {rate}",
                "step += 1",
                f"loss = objective.loss({told}, x, sigma, generator).mean()",
                *inner,
            ]
        if early:
            body += self._check()
        body.append("if step % 1000 < BLOCK:" if block > 1 else "if step % 100 == 0:")
        body.append('    print(f"step {step:,}, loss {losses[-1]:.4g}")')
        lines += [f"    {line}" for line in body]
        if early:
            lines.append("average.copy_(best)")
        return "\n".join(lines)

    def _drawn_starts(self, before: list[str], body: list[str]) -> str:
        """The random numbers of a block, as an expression; pairs of points and start points, if the flow starts at a set.

        Args:
            before, body: the lines before the loop and in it, to which those that it needs are added.
        """
        start = self._problem.noise.start
        if start is None:
            return "objective.draw(x, sigma, generator)"
        loop, reflow = before.pop(), self._problem.experiment.training.reflow
        drawn = "(x, noise.start.sample(len(x), generator))"
        if start.coupling != "independent":
            matched = self._bundle.need("playground.theory.start_set", "MatchedPairs")
            stream = self._bundle.need(PLAIN, "stream")
            before.append(
                f"matched_pairs = {matched}(noise.start, points, functools.partial({stream}, {self._write.seed('pairs')}))"
            )
            drawn = "matched_pairs.draw(len(x), generator)"
        if reflow:
            flow = self._bundle.need("playground.theory.samplers.flow", "ProbabilityFlow")
            count, steps = self._set("REFLOW_PAIRS", PAIRS), self._set("REFLOW_STEPS", REFLOW_STEPS)
            before.append("pairs = None")
            body[:0] = [
                f"if done >= {HALF} and pairs is None:  # from now on, the ends of the flow's own paths",
                f"    begin = noise.start.sample({count}, {self._write.stream('reflow')})",
                f'    flow = {flow}(process, {steps}, False, "time", solver="heun")',
                "    *_, last = flow.run(averaged, process.std(1.0).float() * begin, generator)",
                "    pairs = last.positions, begin",
            ]
        before.append(loop)
        each = ["matched_pairs.renew(len(x))"] if start.coupling != "independent" else []
        if not reflow:
            body += each
            return drawn
        body += ["if pairs is None:", *(f"    {line}" for line in (*each, f"drawn = {drawn}")), "else:"]
        body.append("    rows = torch.randint(len(pairs[0]), (len(x),), generator=generator)")
        body.append("    drawn = pairs[0][rows], pairs[1][rows]")
        return "drawn"

    def _batch(self, steps: str) -> list[str]:
        problem, settings = self._problem, self._settings.training
        count = "BATCH" if steps == "1" else f"{steps} * BATCH"
        sigmas = f"noise.training_sigmas({count}, generator"
        if problem.experiment.noise.is_continuous:
            self._set("SIGMA_DISTRIBUTION", settings.sigma_distribution)
            sigmas += ", SIGMA_DISTRIBUTION"
        lines = [
            f"rows = torch.randint(len(points), ({count},), generator=generator)",
            f"sigma = {sigmas})"
            + ("" if steps == "1" else f".view(-1, {steps}).T.flatten()  # each step sees all levels"),
            "x = points[rows]",
        ]
        if problem.dataset.grey_levels is not None:
            self._set("GREY_LEVEL", 2 / problem.dataset.grey_levels / problem.units.length)
            lines.append("x = x + GREY_LEVEL * (torch.rand(x.shape, generator=generator) - 0.5)")
        if problem.classes:
            self._set("LABEL_DROPOUT", settings.label_dropout)
            lines.append(
                "label = torch.where(torch.rand(rows.shape, generator=generator) < LABEL_DROPOUT, network.classes, labels[rows])"
            )
        return lines

    def _check_points(self) -> list[str]:
        """The held-out points of early stopping."""
        problem = self._problem
        drawn = self._bundle.need("playground.lab.early_stopping", "_drawn")
        count = self._set("CHECKED", early_stopping.draws_of_check(problem))
        lines = []
        if problem.density is not None:
            count_drawn = self._set("VALIDATION", len(problem.validation))
            lines.append(
                f"validation = {self._write.of(problem.density)}.sample({count_drawn}, {self._write.stream('validation')})"
            )
        else:
            lines.append(f"validation = {self._write.array(problem.validation, 'validation')}")
        lines += [
            f"generator_of_check = {self._write.stream('points of the held-out loss')}",
            f"held_out, train = ({drawn}(part, {count}, generator_of_check) for part in (validation, points))",
        ]
        if problem.dataset.grey_levels is not None:
            self._set("GREY_LEVEL", 2 / problem.dataset.grey_levels / problem.units.length)
            lines.append(
                "held_out, train = (part + GREY_LEVEL * (torch.rand(part.shape, generator=generator_of_check) - 0.5) for part in (held_out, train))"
            )
        distribution = ", SIGMA_DISTRIBUTION" if problem.experiment.noise.is_continuous else ""
        lines.append(f"check_sigma = noise.training_sigmas({count}, generator_of_check{distribution})")
        lines.append(self._define("held_out_objective", self._held_out_objective))
        lines.append("best_loss, best_step, best = math.inf, 0, average.clone()")
        return lines

    def _check(self) -> list[str]:
        due = self._bundle.need("playground.lab.early_stopping", "next_check")
        patience = self._set("PATIENCE", early_stopping.PATIENCE)
        before = "step - count" if self._trainer.drawn_at_once > 1 else "step - 1"
        ends = "" if self._settings.training.steps == "auto" else " or step >= STEPS"
        return [
            f"if {due}({before}) <= step{ends}:  # early stopping",
            "    with torch.no_grad():",
            f"        loss = float(held_out_objective.loss(averaged, held_out, check_sigma, {self._write.stream('held-out loss')}).detach().double().mean())",
            "    if loss < best_loss:",
            "        best_loss, best_step, best = loss, step, average.clone()",
            f"    elif step - best_step >= max({patience}, best_step):",
            "        break",
        ]

    def _sampling(self) -> str:
        problem, kind = self._problem, self._settings.sampling
        self._set("PARTICLES", problem.particles)
        lines = []
        if problem.experiment.sampling.follows == "empirical":
            lines.append(self._define("empirical", problem.empirical))
        part = self._score
        while dataclasses.is_dataclass(part) and not isinstance(part, GuidedScore):
            part = getattr(part, "score", None)
        if isinstance(part, GuidedScore):
            assert isinstance(kind, FollowsScore)
            if part.label is not None:
                if kind.labels == "all":
                    label = (
                        f"labels[torch.randint(len(labels), (PARTICLES,), generator={self._write.stream('labels')})]"
                    )
                else:
                    label = f"torch.tensor({self._set('LABEL', kind.label)})"
                lines.append(f"label = {label}")
                self._write.call(part.label, "label")
            if self._weaker is not None:
                lines += self._weaker_network(kind)
        lines.append(_wrapped(f"score = {self._write.of(self._score)}"))
        lines.append(self._define("sampler", self._sampler))
        lines.append(self._define("start", self._start))
        lines += [
            f"generator = {self._write.stream('sampling')}",
            "x = start.sample(PARTICLES, generator)",
            "frames = [step.positions.detach() for step in sampler.run(score, x, generator)]",
            "samples = frames[-1].double().numpy()",
            f"samples = {self._restored}",
            'np.save("samples.npy", samples)',
            'print(f"The loss of the last steps is {np.mean(losses[-100:]):.4g}; samples.npy has {len(samples):,} samples.")',
        ]
        return "\n".join(lines)

    def _weaker_network(self, kind: FollowsScore) -> list[str]:
        """The network with the weights of an earlier training step, for autoguidance."""
        nearest = self._bundle.need("playground.lab.autoguidance", "nearest_earlier")
        asked = "" if kind.guide_step == "auto" else f", {self._set('GUIDE_STEP', kind.guide_step)}"
        self._write.call(self._weaker, "weaker")
        return [
            "weaker = copy.deepcopy(averaged)",
            f"weaker.load_state_dict(checkpoints[{nearest}(checkpoints, step{asked})])",
        ]


def _import_text(lines: set[str]) -> str:
    """Imports in order: the standard library first, and modules before names."""

    def outside(line: str) -> bool:
        return line.split()[1].split(".")[0] not in sys.stdlib_module_names

    ordered = sorted(lines, key=lambda line: (outside(line), not line.startswith("import"), line))
    first = next(place for place, line in enumerate(ordered) if outside(line))
    return "\n".join([*ordered[:first], "", *ordered[first:]])


def _rule(title: str) -> str:
    return f"# {title} ".ljust(WIDTH, "-")


def _number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:_}"
    return repr(value)


def _joined(texts: Sequence[str]) -> str:
    """Definitions with two blank lines between classes and functions, and none between constants."""
    found = ""
    for before, text in zip(["", *texts], texts, strict=False):
        lines = text.splitlines()
        constant = len(lines) == 1 and not lines[0].startswith(("class", "def", "@"))
        after_constant = before.count("\n") == 0 and not before.startswith(("class", "def", "@"))
        found += ("\n" if constant and after_constant else "\n\n\n") + text
    return found.strip("\n")


def _wrapped(statement: str) -> str:
    """A call with each argument on a line of its own, if the line is too long."""
    if len(statement) <= WIDTH or "(" not in statement:
        return statement
    head, _, rest = statement.partition("(")
    parts, depth, current = [], 0, ""
    tail = ""
    for place, letter in enumerate(rest):
        depth += letter in "([{"
        depth -= letter in ")]}"
        if depth < 0:
            tail = rest[place:]
            break
        if letter == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += letter
    parts.append(current.strip())
    return head + "(\n" + "".join(f"    {part},\n" for part in parts if part) + tail
