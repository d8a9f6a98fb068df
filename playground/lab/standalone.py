"""An experiment as a folder that runs without this program: a script and a notebook beside the files that they import.

The script has the settings, the data, the loop of training and the loop of sampling. It makes each object of the experiment by a
call of its class, with the arguments that the object keeps as attributes of their names (``x`` or ``_x``).
"""

import ast
import functools
import importlib.util
import inspect
import io
import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from torch import Tensor, nn

from playground.data import Dataset
from playground.lab import early_stopping, reflow
from playground.lab.autoguidance import asks_checkpoint
from playground.lab.conditioning import conditioned_score
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment
from playground.lab.notebook import IMAGES, PLOT, POINTS, notebook, title
from playground.lab.problem import Problem
from playground.lab.random_streams import stream
from playground.lab.sampling import make_sampler
from playground.lab.training import Trainer
from playground.theory.guidance import ScoreWithWeaker
from playground.theory.objectives import ScoreMatching
from playground.user_errors import UserError
from playground.version import __version__

SCRIPT, NOTEBOOK = "experiment.py", "experiment.ipynb"
PLUGIN = ("playground.theory", "playground.user_errors", "playground.messages", "torch", "numpy")
"""What a plug-in may import beside the standard library."""
LICENSE = (
    "Copyright (c) 2026 The Score Playground authors. MIT License: use, change and pass it on as you like, with this notice and "
    "without any warranty."
)
PACKAGE = f'"""The files of Score Playground {__version__} that the script beside this folder imports, as they are. {LICENSE}"""\n'
ABOUT = (
    "It trains the network on the CPU, draws samples and writes them to samples.npy, with torch, numpy and, for a plot, matplotlib. "
    f"Beside it are its arrays (data.npz) and the files of Score Playground {__version__} that it imports, as they are. Losses and "
    "samples are those of the program, to rounding, unless training ends after a time. It has no guards against divergence."
)
TEMPLATE = '''"""{about}"""

import copy
import functools  #? partial
import math
import time
from pathlib import Path

import numpy as np
import torch

{imports}

# Settings {rule}
DATA_SEED, TRAINING_SEED, SAMPLING_SEED = {experiment.data.seed}, {experiment.training.seed}, {experiment.sampling.seed}
STEPS, SECONDS = {limits}  # training ends after so many steps, or seconds
BATCH, BLOCK = {problem.batch}, {block}  # points in a step; steps whose random numbers are drawn together
LEARNING_RATE, LR_SCHEDULE, EMA_DECAY = {training.learning_rate}, "{training.lr_schedule}", {training.ema_decay}
SIGMA_DISTRIBUTION = "{training.sigma_distribution}"  # from which training draws noise levels
LABEL_DROPOUT = {training.label_dropout}  # the share of labels that are hidden, for the score of all data  #? labels
GREY_LEVEL = 2 / {problem.dataset.grey_levels} / {problem.units.length}  # the width of a grey level, in which noise of its own is added to an image  #? grey
PARTICLES = {problem.particles}  # the number of samples

# Data {rule}
data = {{name: torch.from_numpy(array) for name, array in np.load(Path(__file__).with_name("data.npz")).items()}}
points = ((data["points"] - data["offset"]) / data["scale"]).float()  # they have mean 0 and mean variance 1
labels = data["labels"]  #? labels

# Noise, network and objective {rule}
{noise}
{network}
averaged = copy.deepcopy(network)  # the moving average of its weights, whose score is sampled
{objective}

# Training {rule}
parameters = list(network.parameters())
live = torch.cat([parameter.detach().flatten() for parameter in parameters])
average, first, second = live.clone(), torch.zeros_like(live), torch.zeros_like(live)  # first, second: Adam's moments
torch.nn.utils.vector_to_parameters(live, parameters)  # from now on the parameters are views of this vector
torch.nn.utils.vector_to_parameters(average, averaged.parameters())
generator = stream(TRAINING_SEED, "training")
losses, begun = [], time.perf_counter()
matched_pairs = MatchedPairs(noise.start, points, functools.partial(stream, TRAINING_SEED))  #? matched
pairs = None  # in the second half of training, ends and starts of the flow's own paths  #? reflow
checkpoints = Checkpoints()  # weights of some earlier steps; those of one guide the sampler  #? weaker
{held_out_objective}  #? early
held_out, held_out_sigma = data["held_out"], data["held_out_sigma"]  #? early
check, best_loss, best_step, best = {stopping.LEAST}, math.inf, 0, average.clone()  #? early


def done():
    """The part of training that is done."""
    return max(len(losses) / STEPS, (time.perf_counter() - begun) / SECONDS)


def descend(loss):
    """Make a step of Adam down the gradient of the loss, and update the average of the weights."""
    rate = learning_rate(LEARNING_RATE, LR_SCHEDULE, len(losses), done())
    gradient = torch.cat([part.flatten() for part in torch.autograd.grad(loss, parameters)])
    adam_with_average(live, gradient, first, second, average, rate, len(losses) + 1, EMA_DECAY)
    losses.append(float(loss.detach()))


def paired(x):  #? start
    """Points of the data, and the points of the other set at which their paths begin."""  #? start
    if pairs is not None:  #? reflow
        rows = torch.randint(len(pairs[0]), (len(x),), generator=generator)  #? reflow
        return pairs[0][rows], pairs[1][rows]  #? reflow
    matched_pairs.renew(len(x))  #? matched
    return matched_pairs.draw(len(x), generator)  #? matched
    return x, noise.start.sample(len(x), generator)  #? independent
  #? start
  #? start
while done() < 1:
    if pairs is None and done() >= {reflow.HALF}:  #? reflow
        pairs = flow_pairs(noise.process(), noise.start, averaged, stream(TRAINING_SEED, "reflow"))  #? reflow
    checkpoints.offer(len(losses), lambda: copy.deepcopy(averaged.state_dict()))  #? weaker
    count = min(BLOCK, STEPS - len(losses))
    rows = torch.randint(len(points), (count * BATCH,), generator=generator)
    sigma = noise.training_sigmas(count * BATCH, generator, SIGMA_DISTRIBUTION)
    sigma = sigma.view(-1, count).T.flatten()  # every step has noise levels from fine to coarse
    x = points[rows]
    x = x + GREY_LEVEL * (torch.rand(x.shape, generator=generator) - 0.5)  #? grey
    hidden = torch.rand(rows.shape, generator=generator) < LABEL_DROPOUT  #? labels
    label = torch.where(hidden, network.classes, labels[rows])  #? labels
    drawn = objective.draw(x, sigma, generator)  #? draws
    drawn = paired(x)  #? start
    for {drawn} in zip(*(part.split(BATCH) for part in ({drawn}))):  #? matching
        descend(objective.loss_of({told}, sigma, *drawn).mean())  #? matching
    descend(objective.loss({told}, x, sigma, generator).mean())  #? not matching
    if len(losses) % 1000 < BLOCK:
        print(f"step {{len(losses):,}}, loss {{losses[-1]:.4g}}")
    if len(losses) >= check or done() >= 1:  # early stopping  #? early
        while check <= len(losses):  #? early
            check += max({stopping.LEAST}, check // {stopping.PART})  #? early
        with torch.no_grad():  #? early
            noises = stream(DATA_SEED, "held-out loss")  # the same at each check  #? early
            loss = float(held_out_objective.loss(averaged, held_out, held_out_sigma, noises).detach().double().mean())  #? early
        if loss < best_loss:  #? early
            best_loss, best_step, best = loss, len(losses), average.clone()  #? early
        elif len(losses) - best_step >= max({stopping.PATIENCE}, best_step):  #? early
            break  #? early
average.copy_(best)  #? early

# Sampling {rule}
weaker = copy.deepcopy(averaged)  #? weaker
weaker.load_state_dict(checkpoints.weights[nearest_earlier(checkpoints.weights, len(losses), {settings.sampling.guide_step!r})])  #? weaker
{density}  #? exact
{score}
{sampler}
{start}
generator = stream(SAMPLING_SEED, "sampling")
for frame in sampler.run(score, start.sample(PARTICLES, generator), generator):
    if frame.index % 100 == 0 or frame.index == frame.total:
        print(f"sampling: step {{frame.index}} of {{frame.total}}, sigma = {{frame.sigma:.3g}}")
samples = (frame.positions.detach().double() * data["scale"] + data["offset"]).numpy()
np.save("samples.npy", samples)
print(f"The loss of the last steps is {{np.mean(losses[-100:]):.4g}}; samples.npy has {{len(samples):,}} samples.")

# Plot {rule}
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("For a plot, install matplotlib.")
else:
{plot}
    figure.savefig("samples.png")
'''
"""The script. A line that not every script has ends in the part to which it belongs."""
OWN_NAMES = frozenset({"Path", *re.findall(r"\b[a-z_]\w*", TEMPLATE)})
OWN_IMPORTS = {
    "from playground.lab.random_streams import stream": "",
    "from playground.lab.learning_rate import learning_rate": "",
    "from playground.theory.fused import adam_with_average": "",
    "from playground.theory.start_set import MatchedPairs": "matched",
    "from playground.lab.reflow import flow_pairs": "reflow",
    "from playground.lab.checkpoints import Checkpoints, nearest_earlier": "weaker",
}
"""What the script's own lines import, each with the part that does."""


def files(experiment: Experiment, dataset: Dataset | None = None) -> dict[str, bytes]:
    """The files of a stand-alone folder, by their paths in it.

    Args:
        dataset: the experiment's data, if they are not to be loaded anew.

    Raises:
        ExperimentError, DataError: the experiment cannot be trained or sampled.
        UserError: an object cannot be made by a call of its class, or a plug-in needs more of the program than its mathematics.
    """
    trainer = Trainer(Problem.build(experiment, dataset))
    problem, settings, objective = trainer.problem, resolve(experiment), trainer.objective
    training, start, dataset = settings.training, problem.noise.start, problem.dataset
    weaker = problem.network() if asks_checkpoint(experiment) else None
    learned = ScoreWithWeaker(trainer.ema, weaker) if weaker else trainer.ema
    check = early_stopping.HeldOutCheck(problem) if problem.stops_early else None
    coupling = "" if start is None else start.coupling

    objects = Objects()
    objects.arrays |= {"points": dataset.points, "offset": problem.units.offset, "scale": problem.units.scale}
    if problem.classes:
        objects.arrays["labels"] = np.asarray(dataset.labels)
    if check:
        objects.arrays |= {"held_out": check.x[0].numpy(), "held_out_sigma": check.sigma.numpy()}
    objects.call(problem.train, "points")
    objects.define("noise", problem.noise)
    if experiment.noise.has_path:
        objects.call(problem.process(), "noise.process()")
    if start is not None:
        objects.call(start, "noise.start")
        objects.call(start.density, "noise.start.density")
    objects.define("network", trainer.network)
    for score, name in ((trainer.ema, "averaged"), (learned, "averaged"), (weaker, "weaker")):
        objects.call(score, name)
    objects.define("objective", objective)
    if check:
        objects.define("held_out_objective", check.objective)
    if settings.sampling.follows == "exact":
        objects.define("density", problem.density)
    objects.define("score", conditioned_score(problem, problem.known_score() or learned))
    objects.define("sampler", make_sampler(problem, trainer.ema))
    objects.define("start", settings.sampling.start_of_run(problem))

    has = {
        "": True,
        "grey": dataset.grey_levels is not None,
        "labels": bool(problem.classes),
        "start": coupling != "",
        "matched": coupling == "optimal-transport",
        "independent": coupling == "independent",
        "reflow": coupling != "" and training.reflow,
        "matching": isinstance(objective, ScoreMatching),
        "draws": isinstance(objective, ScoreMatching) and start is None,
        "early": check is not None,
        "weaker": weaker is not None,
        "exact": "density" in objects.made,
    }
    has["partial"] = has["labels"] or has["matched"]
    parts = {part if there else f"not {part}" for part, there in has.items()}
    lines = (line.partition("  #? ") for line in TEMPLATE.splitlines())
    imports = {*objects.imports.values(), *(line for line, part in OWN_IMPORTS.items() if part in parts)}
    named = re.sub(r'["\\]', "'", title(settings))  # a plug-in's could end the text of the script
    drawn = POINTS.replace("data_points", 'data["points"]') if problem.shape == (2,) else IMAGES
    text = "\n".join(code for code, _, part in lines if part in parts).format(
        **objects.made,
        about="\n\n".join(textwrap.fill(one, 120) for one in (f"{named}.", ABOUT, LICENSE)) + "\n",
        imports="\n".join(sorted(imports)),
        rule="-" * 60,
        limits=", ".join("math.inf" if end == "auto" else f"{end:_}" for end in (training.steps, training.seconds)),
        experiment=experiment,
        settings=settings,
        problem=problem,
        block=trainer.drawn_at_once,
        training=training,
        reflow=reflow,
        stopping=early_stopping,
        drawn="sigma, label, *drawn" if problem.classes else "sigma, *drawn",
        told="functools.partial(network, label=label)" if problem.classes else "network",
        plot=textwrap.indent(PLOT.format(losses="losses", drawn=drawn), "    "),
    )
    own, data = objects.own_files(), io.BytesIO()
    np.savez_compressed(data, **objects.arrays)  # type: ignore[arg-type]
    written = {SCRIPT: f"{text}\n", NOTEBOOK: _notebook(text), **own, "playground/__init__.py": PACKAGE}
    found = {name: one.encode() for name, one in written.items()}
    return found | {"data.npz": data.getvalue()} | _imported((text, *own.values()))


def _notebook(text: str) -> str:
    """The script in cells. A notebook has no `__file__`, and runs in its folder."""
    text = text.replace('Path(__file__).with_name("data.npz")', '"data.npz"').replace("from pathlib import Path\n", "")
    head, *sections = re.split(r"^# (\w.*) -+\n", text, flags=re.MULTILINE)
    _, about, imports = head.split('"""')
    cells = [("markdown", f"# {about}"), ("code", imports)]
    for name, code in zip(sections[::2], sections[1::2], strict=True):
        cells += [("markdown", f"## {name}"), ("code", code)]
    return notebook(cells)


class Objects:
    """Writes objects as calls of their classes, and arrays as entries of the file of data.

    Attributes:
        imports: the imports that the calls need, by the names that they bind.
        arrays: the contents of the file of data, by name.
        made: the statements that make objects, by the objects' names.
    """

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._held: list[object] = []  # as long as an object lives, its id is its own
        self._plugins: dict[str, tuple[Path, set[str]]] = {}
        self.imports: dict[str, str] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.made: dict[str, str] = {}

    def call(self, thing: object, name: str) -> str:
        """Let the script have a name for an object, which is then not made again; return the name."""
        self._held.append(thing)
        return self._names.setdefault(id(thing), name)

    def define(self, name: str, thing: object) -> None:
        """Add the statement that makes an object, which is called by its name from now on."""
        self.made[name] = f"{name} = {self.of(thing, name)}"
        self.call(thing, name)

    def of(self, thing: Any, name: str) -> str:
        """A value as an expression.

        Args:
            name: the parameter that takes it, which names its entry in the file of data.

        Raises:
            UserError: it cannot be made again.
        """
        if isinstance(thing, float):
            return re.sub("(inf|nan)", r"math.\1", repr(float(thing)))
        if isinstance(thing, str):
            return json.dumps(thing)
        if thing is None or isinstance(thing, int):
            return repr(thing)
        if id(thing) in self._names:
            return self._names[id(thing)]
        if isinstance(thing, Tensor) and not thing.ndim:
            return f"torch.tensor({thing.item()})"
        if isinstance(thing, Tensor | np.ndarray):
            name = f"{name}_{len(self.arrays)}" if name in self.arrays else name
            self.arrays[name] = np.asarray(thing)
            return self.call(thing, f'data["{name}"]' + ".numpy()" * isinstance(thing, np.ndarray))
        if isinstance(thing, list | tuple):
            opened, closed = "[]" if isinstance(thing, list) else "()"
            return _joined(opened, [self.of(one, name) for one in thing], closed)
        if isinstance(thing, MethodType):
            return f"{self.of(thing.__self__, name)}.{thing.__name__}"
        if isinstance(thing, type | FunctionType):
            return self._import(thing)
        return self._call(thing)

    def _call(self, thing: object) -> str:
        kind, kept = type(thing), getattr(thing, "__dict__", {})
        given: dict[str, Any] = {}
        parts = []
        for name, parameter in inspect.signature(kind).parameters.items():
            place = f"_{name}" if f"_{name}" in kept else name
            if name == "generator" and isinstance(thing, nn.Module):
                given[name] = stream(0, "network")
                parts.append('generator=stream(TRAINING_SEED, "network")')
            elif place not in kept:
                raise _refused(kind, f"it does not keep its argument {name} as an attribute")
            else:
                given[name] = kept[place]
                if not _is_same(kept[place], parameter.default):
                    parts.append(f"{name}={self.of(kept[place], name)}")
        again = vars(kind(**given))
        for name, argument in given.items():
            if name != "generator" and not _is_same(again.get(f"_{name}", again.get(name)), argument):
                raise _refused(kind, f"its attribute {name} is not its argument {name}")
        if len(parts) == 1:
            parts = [parts[0].removeprefix(f"{next(iter(given))}=")]
        return _joined(f"{self._import(kind)}(", parts, ")")

    def _import(self, thing: type | FunctionType) -> str:
        """The name in the script of a class or a function."""
        module, name = thing.__module__, thing.__qualname__
        if not name.isidentifier():
            raise _refused(thing, "it was made inside a function or a class")
        if not _is_free(module):
            path = Path(getattr(sys.modules[module], "__file__", None) or module)
            if module.startswith("playground."):
                raise _refused(thing, "it is none of playground.theory")
            place = re.sub(r"\W", "_", path.stem if module == "__main__" else module)
            module = f"own_{place.removeprefix('score_playground_plugin_')}"
            self._plugins.setdefault(module, (path, set()))[1].add(name)
        statement, shown = f"from {module} import {name}", name
        if name in OWN_NAMES or self.imports.get(name, statement) != statement:
            shown = f"{name}_{module.rpartition('.')[2]}"
            statement += f" as {shown}"
        self.imports[shown] = statement
        return shown

    def own_files(self) -> dict[str, str]:
        """The files of plug-ins, by name: as they are, without the statements that need the kinds of this program."""
        found = {}
        for module, (path, needed) in self._plugins.items():
            try:
                found[f"{module}.py"], gone = _mathematics(path.read_text("utf-8"))
            except (OSError, ValueError, SyntaxError):
                raise UserError(f"No stand-alone script can be written: the source of {path} cannot be read.") from None
            if needed & gone:
                raise UserError(
                    f"No stand-alone script can be written: {', '.join(sorted(needed & gone))} of the plug-in {path.name} needs "
                    "more than torch, numpy and playground.theory. Import the rest in its kinds only."
                )
        return found


def _refused(thing: type | FunctionType, why: str) -> UserError:
    return UserError(f"No stand-alone script can be written of {thing.__module__}.{thing.__qualname__}: {why}.")


def _is_same(one: Any, other: Any) -> bool:
    """Whether two arguments are the same, to the rounding of weights that are normalised again."""
    if isinstance(one, Tensor | np.ndarray) and type(one) is type(other):
        return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-5, atol=0.0))
    return one is other or (type(one) is type(other) and bool(one == other))


def _joined(opened: str, parts: Sequence[str], closed: str) -> str:
    """A call or a list, with each part on a line of its own if it is long."""
    line = f"{opened}{', '.join(parts)}{',' if opened == '(' and len(parts) == 1 else ''}{closed}"
    if len(line) < 110 and "\n" not in line:
        return line
    rows = textwrap.indent(",\n".join(parts), "    ")
    return f"{opened}\n{rows},\n{closed}"


def _is_free(module: str) -> bool:
    """Whether a plug-in may import a module."""
    root = module.partition(".")[0]
    return root in sys.stdlib_module_names or f"{module}.".startswith(tuple(f"{one}." for one in PLUGIN))


def _mathematics(source: str) -> tuple[str, set[str]]:
    """A plug-in's source without the statements that need this program's kinds, and the names that are gone with them."""
    gone, lines = set[str](), source.splitlines(keepends=True)
    for statement in ast.parse(source).body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        if all(map(_is_free, _modules(statement))) and not gone & {node.id for node in names}:
            continue
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            gone.add(statement.name)
        else:
            gone |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
            gone |= {one.asname or one.name for one in ast.walk(statement) if isinstance(one, ast.alias)}
        marks = getattr(statement, "decorator_list", [])
        for row in range(min(node.lineno for node in (statement, *marks)), (statement.end_lineno or 0) + 1):
            lines[row - 1] = ""
    return "".join(lines), gone


def _modules(node: ast.AST) -> Iterator[str]:
    """The modules that a piece of source imports, and the names that it imports from them."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom):
            module = "." * inner.level + (inner.module or "")
            yield from (module, *(f"{module}.{alias.name}" for alias in inner.names))


def _imported(sources: Iterable[str]) -> dict[str, bytes]:
    """The files of this program that sources import, directly or not, by their paths."""
    found: dict[str, bytes] = {}
    due = [module for source in sources for module in _modules(ast.parse(source))]
    while due:
        file = _file(due.pop())
        if file is not None and file[0] not in found:
            name, found[name], imports = file
            due += imports
    return found


@functools.cache
def _file(module: str) -> tuple[str, bytes, tuple[str, ...]] | None:
    """The path, the contents and the imports of a module of this program; None for others, and for names in a module."""
    try:
        spec = importlib.util.find_spec(module) if module.startswith("playground.") else None
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_suffix(".py")  # in a frozen program the source lies beside the compiled file
    inner = "/__init__" if spec.submodule_search_locations else ""
    contents = path.read_bytes()
    return f"{module.replace('.', '/')}{inner}.py", contents, tuple(_modules(ast.parse(contents)))
