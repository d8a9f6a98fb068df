"""The description of an experiment: typed, bounded, documented; TOML in and out.

Every setting is stated once, here, with its bounds, unit, scale, symbol and one line of explanation. Panels, tooltips,
TOML files, the command line's ``--set`` and the reference in docs/ are all made from :func:`fields`.

Lengths (sigma, step sizes, strokes) are in the *user's* units. ``"auto"`` lets the program choose from the data.
This module imports no torch, so the window can open before torch is loaded.
"""

import difflib
import functools
import itertools
import math
import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import tomli_w
from msgspec import Meta

from playground.lab.atomic import replacing

Auto = Literal["auto"]


class ExperimentError(ValueError):
    """A setting that cannot be used: the message is one sentence for the user and names the way out."""


def _meta(
    description: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    symbol: str = "",
    equation: str = "",
    unit: str = "",
    log: bool = False,
    resets: bool = False,
) -> Meta:
    """Bounds and documentation of one field; `resets` marks what cannot change without training anew."""
    extra = {"symbol": symbol, "equation": equation, "unit": unit, "log": log, "resets": resets}
    return Meta(ge=ge, le=le, description=description, extra=extra)


class Stroke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stroke of the brush: a polyline and the brush's radius (one standard deviation), in the user's units."""

    points: tuple[tuple[float, float], ...]
    radius: float


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the points come from."""

    kind: Annotated[
        Literal[
            "two-moons",
            "two-gaussians",
            "eight-gaussians",
            "checkerboard",
            "pinwheel",
            "two-spirals",
            "rings",
            "swiss-roll",
            "drawn",
            "file",
            "digits",
        ],
        _meta("Data set to learn", resets=True),
    ] = "two-moons"
    points: Annotated[
        int,
        _meta(
            "Points in the training set of a toy or a drawing",
            ge=50,
            le=1_000_000,
            symbol="N",
            log=True,
            resets=True,
        ),
    ] = 20_000
    scale: Annotated[
        float, _meta("Factor on all coordinates of a toy", ge=1e-3, le=1e3, unit="×", log=True, resets=True)
    ] = 1.0
    noise: (
        Annotated[
            float,
            _meta(
                "Standard deviation of a toy's own blur before scaling",
                ge=0.0,
                le=10.0,
                symbol="s",
                unit="data",
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    path: Annotated[str, _meta("CSV, TSV or NPY file with two columns, for kind = file", resets=True)] = ""
    strokes: Annotated[tuple[Stroke, ...], _meta("Brush strokes, for kind = drawn", resets=True)] = ()


class Noise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What noise does to the data."""

    kind: Annotated[
        Literal["none", "single", "ladder", "ve", "vp"],
        _meta(
            "No noise, one sigma, a ladder of sigmas, or a continuous process",
            equation=r"dx = f\,dt + g\,dw",
            resets=True,
        ),
    ] = "ve"
    sigma: (
        Annotated[
            float,
            _meta(
                "The one noise level of kind = single",
                ge=1e-6,
                le=1e9,
                symbol="σ",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    sigma_min: (
        Annotated[
            float,
            _meta(
                "Finest noise level: the learned density is smoothed by this much",
                ge=1e-9,
                le=1e9,
                symbol="σ_min",
                equation=r"p_{\sigma} = p_{data} * N(0, \sigma_{min}^2 I)",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    sigma_max: (
        Annotated[
            float,
            _meta(
                "Coarsest noise level: at least the widest gap in the data",
                ge=1e-9,
                le=1e9,
                symbol="σ_max",
                equation=r"\sigma(t) = \sigma_{min} (\sigma_{max}/\sigma_{min})^t",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    levels: Annotated[
        int,
        _meta(
            "Levels of the ladder; annealed Langevin takes as many from a continuous process",
            ge=2,
            le=1000,
            symbol="L",
            equation=r"\sigma_i = \sigma_{max} (\sigma_{min}/\sigma_{max})^{(i-1)/(L-1)}",
            log=True,
            resets=True,
        ),
    ] = 10
    rungs: Annotated[
        tuple[float, ...],
        _meta(
            "The ladder's sigmas from coarse to fine where they are not geometric",
            unit="data",
            symbol="σ_i",
            resets=True,
        ),
    ] = ()
    beta_min: Annotated[
        float,
        _meta(
            "Rate of the VP process at t = 0",
            ge=1e-4,
            le=10.0,
            symbol="β_0",
            equation=r"dx = -\beta x/2\,dt + \sqrt{\beta}\,dw",
            log=True,
            resets=True,
        ),
    ] = 0.1
    beta_max: Annotated[
        float,
        _meta(
            "Rate of the VP process at t = 1",
            ge=0.1,
            le=1000.0,
            symbol="β_1",
            equation=r"\beta(t) = \beta_0 + t(\beta_1 - \beta_0)",
            log=True,
            resets=True,
        ),
    ] = 20.0


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network that learns the score."""

    kind: Annotated[
        Literal["auto", "mlp", "convolutional"],
        _meta("Points take an MLP, images a small convolutional network", symbol="s_θ", resets=True),
    ] = "auto"
    width: Annotated[int, _meta("Units a hidden layer (channels for images)", ge=4, le=2048, log=True, resets=True)] = (
        128
    )
    depth: Annotated[int, _meta("Hidden layers", ge=1, le=12, resets=True)] = 3
    activation: Annotated[
        Literal["silu", "gelu", "tanh", "softplus"],
        _meta("Non-linearity; smooth, because exact matching differentiates twice", resets=True),
    ] = "silu"
    features: Annotated[
        int,
        _meta(
            "Random Fourier features of x; 0 for a plain MLP, which may learn nothing",
            ge=0,
            le=1024,
            equation=r"\cos(2\pi b^\top x), \sin(2\pi b^\top x)",
            resets=True,
        ),
    ] = 64
    feature_scale: Annotated[
        float,
        _meta(
            "Spread of the Fourier frequencies on preconditioned inputs",
            ge=1e-2,
            le=100.0,
            log=True,
            resets=True,
        ),
    ] = 1.0


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What training minimises."""

    kind: Annotated[
        Literal["exact", "sliced", "denoising"],
        _meta("Exact, sliced or denoising score matching", symbol="J"),
    ] = "denoising"
    weight: Annotated[
        Literal["sigma2", "edm", "likelihood", "constant"],
        _meta(
            "Weight of each noise level in the loss",
            symbol="λ(σ)",
            equation=r"E_{\sigma}\,\lambda(\sigma)\,\|s(x + \sigma z, \sigma) + z/\sigma\|^2",
        ),
    ] = "sigma2"
    projections: Annotated[
        int,
        _meta(
            "Random directions a point, for sliced matching",
            ge=1,
            le=64,
            symbol="k",
            equation=r"E_v\,[v^\top \nabla s\, v + \frac{1}{2}(v^\top s)^2]",
        ),
    ] = 1
    projection: Annotated[
        Literal["rademacher", "gaussian", "sphere"],
        _meta("Law of the directions; all have unit covariance", symbol="v", equation=r"E[v v^\top] = I"),
    ] = "rademacher"
    variance_reduced: Annotated[
        bool,
        _meta(
            "Use the exact squared norm instead of its projection, which has less variance",
            equation=r"\frac{1}{2}\|s\|^2",
        ),
    ] = True


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how fast to train."""

    seconds: (
        Annotated[
            float,
            _meta(
                "Stop after this much training time; auto: 20 s unless steps are given",
                ge=0.0,
                le=1e6,
                unit="s",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    steps: (
        Annotated[int, _meta("Stop after this many steps; auto: no limit", ge=0, le=1_000_000_000, log=True)] | Auto
    ) = "auto"
    batch: Annotated[int, _meta("Points a step", ge=1, le=65_536, symbol="B", log=True)] = 512
    learning_rate: Annotated[float, _meta("Step size of Adam at the start", ge=1e-7, le=1.0, symbol="η", log=True)] = (
        3e-3
    )
    decay: Annotated[Literal["cosine", "none"], _meta("How the learning rate falls until the end of training")] = (
        "cosine"
    )
    ema: Annotated[
        float,
        _meta(
            "Memory of the averaged weights that sampling uses, with warm-up",
            ge=0.0,
            le=0.99999,
            equation=r"\min(d, (1+n)/(10+n))",
        ),
    ] = 0.998
    sigmas: Annotated[
        Literal["log-normal", "log-uniform"],
        _meta(
            "How a continuous process draws its noise levels in training",
            equation=r"\ln \sigma \sim N(\ln s - 1.2, 1.4^2)",
        ),
    ] = "log-normal"


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How new points are made."""

    kind: Annotated[
        Literal["langevin", "annealed-langevin", "reverse-sde", "probability-flow"],
        _meta("Sampler", equation=r"dx = [f - g^2 s]\,dt + g\,dw"),
    ] = "reverse-sde"
    source: Annotated[
        Literal["learned", "exact"],
        _meta("Score to follow: the network's, or the known density's own", symbol="s"),
    ] = "learned"
    particles: Annotated[int, _meta("Points that move", ge=1, le=1_000_000, log=True)] = 2_000
    steps: Annotated[
        int,
        _meta(
            "Steps of the sampler in all; annealed Langevin shares them among its levels",
            ge=1,
            le=100_000,
            log=True,
        ),
    ] = 500
    step: (
        Annotated[
            float,
            _meta(
                "Langevin's step size, at the finest level where there are several",
                ge=1e-15,
                le=1e15,
                symbol="ε",
                equation=r"\alpha_i = \epsilon\,\sigma_i^2/\sigma_L^2",
                unit="data²",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    start: Annotated[
        Literal["auto", "prior", "uniform"],
        _meta("Where particles start: the prior, or evenly over the data's box"),
    ] = "auto"
    denoise: Annotated[
        bool,
        _meta(
            "End with one noise-free step to the expected clean point",
            equation=r"x + \sigma_L^2 s(x, \sigma_L)",
        ),
    ] = True


class Likelihood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How log-likelihoods are computed."""

    tolerance: Annotated[
        float,
        _meta("Error that each step of the ODE solver may make, point by point", ge=1e-9, le=0.1, log=True),
    ] = 1e-5
    points: Annotated[int, _meta("Held-out points of the test set", ge=10, le=1_000_000, log=True)] = 2_000
    trace: Annotated[
        Literal["auto", "exact", "hutchinson"],
        _meta(
            "Divergence: exact for points, Hutchinson's estimate for images",
            equation=r"E_v[v^\top \nabla \tilde f\, v]",
        ),
    ] = "auto"


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that determines a run. An empty file is valid: two moons with the defaults."""

    seed: Annotated[int, _meta("Seed of every random draw", ge=0, le=2**31 - 1)] = 0
    data: Data = Data()
    noise: Noise = Noise()
    network: Network = Network()
    objective: Objective = Objective()
    training: Training = Training()
    sampling: Sampling = Sampling()
    likelihood: Likelihood = Likelihood()


@dataclass(frozen=True)
class Field:
    """One setting as panels, tooltips, TOML, the command line and the docs see it."""

    key: str  # "noise.sigma_max"; "seed" has no section
    kind: Literal["int", "float", "bool", "choice", "text", "list"]
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    auto: bool  # whether "auto" is allowed beside a number
    description: str
    symbol: str
    equation: str  # LaTeX
    unit: str  # "data", "data²", "s", ... : "data" is the user's own unit
    log: bool
    resets: bool

    @property
    def bound(self) -> str:
        """The allowed values in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return "text"
        if self.kind == "list":
            return "a list"
        number = "a whole number" if self.kind == "int" else "a number"
        limits = f" from {_number(self.minimum)} to {_number(self.maximum)}"
        return number + limits + (' or "auto"' if self.auto else "")


def _number(value: float | None) -> str:
    if value is None:
        return "any"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e10 else f"{value:g}"


def _field(key: str, hint: Any, default: Any) -> Field:
    auto = False
    if get_origin(hint) in (typing.Union, types.UnionType):
        auto = True
        (hint,) = (part for part in get_args(hint) if part != Auto)
    base, meta = get_args(hint)
    choices: tuple[str, ...] = ()
    if get_origin(base) is Literal:
        kind, choices = "choice", get_args(base)
    elif get_origin(base) is tuple:
        kind = "list"
    else:
        kind = {bool: "bool", int: "int", float: "float", str: "text"}[base]
    return Field(
        key=key,
        kind=typing.cast(Any, kind),
        default=default,
        minimum=meta.ge,
        maximum=meta.le,
        choices=choices,
        auto=auto,
        description=meta.description,
        **meta.extra,
    )


@functools.cache
def fields() -> Mapping[str, Field]:
    """Every setting by its dotted key, in the order of the window's cards."""
    found: dict[str, Field] = {}
    for name, hint in typing.get_type_hints(Experiment, include_extras=True).items():
        default = getattr(Experiment(), name)
        if isinstance(default, msgspec.Struct):
            hints = typing.get_type_hints(type(default), include_extras=True)
            for inner, inner_hint in hints.items():
                key = f"{name}.{inner}"
                found[key] = _field(key, inner_hint, getattr(default, inner))
        else:
            found[name] = _field(name, hint, default)
    return types.MappingProxyType(found)


def value(experiment: Experiment, key: str) -> Any:
    """The value of a dotted key."""
    return functools.reduce(getattr, key.split("."), experiment)


def replace(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """A copy with some dotted keys changed.

    Raises:
        ExperimentError: a key is unknown or a value out of its bounds.
    """
    tree = msgspec.to_builtins(experiment)
    for key, new in changes.items():
        *sections, name = _known(key).split(".")
        branch = tree
        for section in sections:
            branch = branch[section]
        branch[name] = msgspec.to_builtins(new)
    return _build(tree)


def parse(text: str, origin: str = "the experiment") -> Experiment:
    """Read TOML; what is not given has its default.

    Raises:
        ExperimentError: the text is not TOML, or a key or value is wrong; the sentence says which, and what is allowed.
    """
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside syntax: numbers of 5,000 digits, brackets 1,000 deep
        raise ExperimentError(f"{origin} is not valid TOML: {str(error).splitlines()[0].rstrip('.')}.") from None
    return _build(tree)


def load(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment from a TOML file. Relative data paths are read from the file's own folder.

    Raises:
        ExperimentError: the file cannot be read or is not a valid experiment.
    """
    path = Path(path)
    try:
        experiment = parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is not a text file: experiments are TOML in UTF-8.") from None
    if experiment.data.path and not Path(experiment.data.path).is_absolute():
        return replace(experiment, {"data.path": str((path.parent / experiment.data.path).resolve())})
    return experiment


def dump(experiment: Experiment) -> str:
    """The complete experiment as TOML; :func:`parse` gives back an equal one."""
    return tomli_w.dumps(msgspec.to_builtins(experiment))


def save(experiment: Experiment, path: str | os.PathLike[str]) -> None:
    """Write TOML atomically: the old file stays whole until the new one is."""
    with replacing(path) as temporary:
        temporary.write_text(dump(experiment), encoding="utf-8")


def assignment(text: str) -> tuple[str, Any]:
    """Read ``section.key=value`` from the command line; the value may leave out TOML's quotes.

    Raises:
        ExperimentError: no ``=``, or the key is unknown.
    """
    key, equals, raw = text.partition("=")
    if not equals:
        raise ExperimentError(f"--set takes section.key=value, as in noise.sigma_max=8; {text!r} has no =.")
    key = _known(key.strip())
    field = fields()[key]
    if field.kind in ("choice", "text"):
        return key, raw.strip().strip("\"'")
    try:
        return key, tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        return key, raw.strip()


@dataclass(frozen=True)
class Refusal:
    """A pair of settings that makes no sense, in one sentence; `key` names the setting to change."""

    key: str
    sentence: str


def training_refusal(experiment: Experiment) -> Refusal | None:
    """Why this experiment cannot be trained, or None."""
    if experiment.objective.kind == "denoising" and experiment.noise.kind == "none":
        return Refusal(
            "objective.kind",
            "Denoising needs noise to remove: with noise.kind = none its target z/σ divides by zero; choose a noise, or exact or sliced matching.",
        )
    if experiment.network.kind == "convolutional" and experiment.data.kind != "digits":
        return Refusal(
            "network.kind",
            "A convolutional network needs images: choose network.kind = mlp for points, or the digits.",
        )
    if experiment.data.kind == "file" and not experiment.data.path:
        return Refusal(
            "data.path",
            "No file is chosen: set data.path to a CSV, TSV or NPY file with two columns, or drop one on the window.",
        )
    if experiment.data.kind == "drawn" and not experiment.data.strokes:
        return Refusal("data.strokes", "Nothing is drawn yet: paint on the canvas with the brush, then train.")
    return None


def sampling_refusal(experiment: Experiment) -> Refusal | None:
    """Why this experiment's sampler does not fit its noise or data, or None."""
    kind, noise = experiment.sampling.kind, experiment.noise.kind
    if kind in ("reverse-sde", "probability-flow") and noise in ("none", "single"):
        name = "reverse SDE" if kind == "reverse-sde" else "probability flow"
        return Refusal(
            "sampling.kind",
            f"The {name} runs from noise back to data, but noise.kind = {noise} has no path between them: choose ladder, ve or vp, or sample by langevin.",
        )
    if kind == "annealed-langevin" and noise in ("none", "single"):
        return Refusal(
            "sampling.kind",
            f"Annealed Langevin walks down a ladder of noise levels, but noise.kind = {noise} has fewer than two: choose ladder, ve or vp, or sample by langevin.",
        )
    if experiment.sampling.source == "exact" and experiment.data.kind in ("file", "digits"):
        return Refusal(
            "sampling.source",
            f"The exact score of data.kind = {experiment.data.kind} is not known: only toys and drawings have one; choose sampling.source = learned.",
        )
    return None


def likelihood_refusal(experiment: Experiment) -> Refusal | None:
    """Why the probability-flow ODE cannot give a likelihood here, or None."""
    if experiment.noise.kind in ("none", "single"):
        return Refusal(
            "noise.kind",
            f"The likelihood follows the probability flow from data to noise, but noise.kind = {experiment.noise.kind} has no such path: choose ladder, ve or vp.",
        )
    return None


def _known(key: str) -> str:
    known = fields()
    if key in known:
        return key
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5) or [
        other for other in known if other.split(".")[-1] == key.split(".")[-1]
    ]
    hint = f"; did you mean {near[0]}?" if near else f"; the sections are {', '.join(_sections())}."
    raise ExperimentError(f"{key} is not a setting{hint}")


def _sections() -> list[str]:
    return list(dict.fromkeys(key.split(".")[0] for key in fields() if "." in key))


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, branch in tree.items():
        if name in _sections():
            if not isinstance(branch, Mapping):
                raise ExperimentError(
                    f"{name} is a section: write [{name}] and its settings below it, not {name} = {branch!r}."
                )
            for inner, leaf in branch.items():
                yield f"{name}.{inner}", leaf
        elif isinstance(branch, Mapping) and name not in fields():
            near = difflib.get_close_matches(name, _sections(), n=1, cutoff=0.5)
            hint = f"; did you mean [{near[0]}]?" if near else f"; the sections are {', '.join(_sections())}."
            raise ExperimentError(f"[{name}] is not a section{hint}")
        else:
            yield name, branch


def _build(tree: Mapping[str, Any]) -> Experiment:
    for key, given in _leaves(tree):
        _check(fields()[_known(key)], given)
    try:
        experiment = msgspec.convert(tree, Experiment)
    except msgspec.ValidationError as error:
        raise ExperimentError(f"The experiment is not valid: {error}.") from None
    _check_together(experiment)
    return experiment


def _check(field: Field, given: Any) -> None:
    """Refuse a value outside its field's type and bounds, naming key, value, bound and the nearest allowed name."""
    if field.auto and given == "auto":
        return
    shown = f'"{given}"' if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    refusal = f"{field.key} = {shown} is not allowed: it must be {field.bound}"
    if field.kind == "choice":
        if given not in field.choices:
            near = difflib.get_close_matches(str(given), field.choices, n=1, cutoff=0.4)
            raise ExperimentError(refusal + (f"; did you mean {near[0]}?" if near else "."))
    elif field.kind in ("int", "float"):
        right = isinstance(given, int) if field.kind == "int" else isinstance(given, int | float)
        if isinstance(given, bool) or not right:
            raise ExperimentError(refusal + ".")
        assert field.minimum is not None
        assert field.maximum is not None
        if not field.minimum <= given <= field.maximum:  # nan lies within no bounds
            raise ExperimentError(refusal + ".")
    else:
        expected: Any = {"bool": bool, "text": str, "list": list | tuple}[field.kind]
        if not isinstance(given, expected) or (field.kind == "text" and "\0" in given):
            raise ExperimentError(refusal + ".")


def _check_together(experiment: Experiment) -> None:
    noise = experiment.noise
    if noise.sigma_min != "auto" and noise.sigma_max != "auto" and noise.sigma_min >= noise.sigma_max:
        raise ExperimentError(
            f"noise.sigma_min = {noise.sigma_min:g} must lie below noise.sigma_max = {noise.sigma_max:g}: lower one or raise the other."
        )
    if noise.beta_min >= noise.beta_max:
        raise ExperimentError(
            f"noise.beta_min = {noise.beta_min:g} must lie below noise.beta_max = {noise.beta_max:g}."
        )
    rungs = noise.rungs
    if rungs and (len(rungs) < 2 or not all(math.isfinite(rung) and rung > 0 for rung in rungs)):
        raise ExperimentError("noise.rungs must hold at least two positive numbers.")
    if any(coarse <= fine for coarse, fine in itertools.pairwise(rungs)):
        raise ExperimentError("noise.rungs must fall from coarse to fine, as in [8.0, 2.0, 0.5].")
    for stroke in experiment.data.strokes:
        numbers = [stroke.radius, *(coordinate for point in stroke.points for coordinate in point)]
        if not stroke.points or stroke.radius <= 0 or not all(map(math.isfinite, numbers)):
            raise ExperimentError("data.strokes must hold finite points and a radius above 0.")
