"""The description of an experiment: exact round trips, and a sentence for every error."""

import contextlib
import functools
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from playground.data.places import is_remote_or_device
from playground.data.strokes import MOST_STROKES
from playground.kinds.datasets import Stroke
from playground.kinds.samplers import LangevinDynamics, Sampler
from playground.lab import experiment as experiments
from playground.lab import lessons
from playground.lab import sweep as sweeps
from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.conflicts import likelihood_conflict, sampling_conflict, training_conflict
from playground.lab.experiment import Experiment, ExperimentError, Field, fields
from tests.fitting import dotted, fitting
from tests.lab.test_step_measuring import OLD_SCENE

numbers = st.floats(-1e6, 1e6)
strokes = st.builds(
    Stroke, points=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4).map(tuple), radius=st.floats(1e-6, 1e3)
)
sigmas = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=6, unique=True).map(
    lambda a: tuple(sorted(a, reverse=True))
)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Every value that a field allows."""
    if field.kind == "choice":
        return st.sampled_from(field.choices)
    if field.kind == "bool":
        return st.booleans()
    if field.kind == "text":
        surrogates: tuple[Literal["Cs"]] = ("Cs",)
        return st.text(st.characters(exclude_characters="\0", exclude_categories=surrogates), max_size=20)
    if field.kind == "list":
        return {
            "data.strokes": st.lists(strokes, max_size=3).map(tuple),
            "noise.sigmas": st.just(()) | sigmas,
            "noise.schedule": st.just(())
            | sigmas.map(lambda a: tuple((i / (len(a) - 1), s) for i, s in enumerate(a[::-1]))),
        }[field.key]
    assert field.minimum is not None
    assert field.maximum is not None
    if field.kind == "int":
        number: st.SearchStrategy[Any] = st.integers(int(field.minimum), int(field.maximum))
    else:
        number = st.floats(field.minimum, field.maximum)
    return number | st.just("auto") if field.auto else number


@st.composite
def valid_experiments(draw: st.DrawFn) -> Experiment:
    kinds = {key: draw(values(field)) for key, field in fields().items() if key.endswith(".kind")}
    chosen = experiments.replace(Experiment(), kinds)
    changes = {key: draw(values(field)) for key, field in fields(chosen).items() if key not in kinds}
    try:
        return experiments.replace(chosen, changes)
    except ExperimentError as error:  # pairs that must be ordered
        assume("must lie below" not in str(error))
        raise


@given(valid_experiments())
def test_toml_round_trip_is_exact(experiment: Experiment) -> None:
    assume(not any(map(is_remote_or_device, experiments.files(experiment).values())))
    assert experiments.parse(experiments.dump(experiment)) == experiment


@given(valid_experiments(), st.data())
def test_values_outside_their_bounds_are_refused_with_key_value_and_bound(
    experiment: Experiment, data: st.DataObject
) -> None:
    numeric = [key for key, field in fields(experiment).items() if field.kind in ("int", "float")]
    key = data.draw(st.sampled_from(numeric))
    field = fields(experiment)[key]
    assert field.minimum is not None
    assert field.maximum is not None
    for wrong in (field.minimum - 1, field.maximum * 2 + 1, float("nan"), float("inf"), "much", True):
        with pytest.raises(ExperimentError) as caught:
            experiments.replace(experiment, {key: wrong})
        for part in (key, str(wrong).lower().replace("e+", "e"), f"must be {field.bound}"):
            assert part in str(caught.value).lower()


def test_an_empty_file_is_two_moons_with_the_defaults() -> None:
    assert experiments.parse("") == Experiment()
    assert Experiment().data.kind == "two-moons"


def test_every_field_is_documented_and_in_the_complete_toml() -> None:
    tree = tomllib.loads(experiments.dump(Experiment()))
    for key, field in fields().items():
        *section, name = key.split(".")
        assert name in (tree[section[0]] if section else tree)
        assert field.description
        assert experiments.value(Experiment(), key) == field.default


WRONG = {
    "seed = ": "Invalid value",
    "seed = " + "9" * 5000: "not valid TOML",
    "seed = " + "9" * 400: "seed = 1e400 ",
    "x = " + "[" * 5000 + "]" * 5000: "not valid TOML",
    ".".join(["a"] * 100_000) + " = 1": "a key of more than 32 parts",
    "[" + " . ".join(['"a"', "'b'"] * 50_000) + "]": "a key of more than 32 parts",
    "data.strokes = [{" + ".".join(["a"] * 100_000) + " = 1}]": "a key of more than 32 parts",
    "#" * 10_000_001: "more than 10,000,000 characters",
    "seed = 1\nseed = 2": "the experiment sets seed twice, again in line 2: keep one.",
    "[noise]\nkind = 've'\n\n[noise]\nsigma = 3": "the experiment has [noise] twice, again in line 4: keep one",
    "[data]\n[noise]\nkind = 've'\nkind = 'vp'": "the experiment sets kind of [noise] twice, again in line 4: keep one.",
    "noise.kind = 've'\nnoise.kind = 'vp'": "the experiment sets noise.kind twice, again in line 2: keep one.",
    "[training]\nlr_schedule = 'banana'": '"banana" is not allowed: it must be one of cosine, none.',
    "sead = 3": "sead is not a setting; did you mean seed?",
    "[nois]\nkind = 've'": "[nois] is not a section; did you mean [noise]?",
    "[zzz]\nkind = 've'": "the sections are data, noise",
    "[noise]\nsigma_mx = 3": "noise.sigma_mx is not a setting; did you mean noise.sigma_max?",
    "[sampling]\nstepz = 3": "sampling.stepz is not a setting; did you mean sampling.steps?",
    "[sampling]\nkind = 'langevin'\nstepz = 3": "sampling.stepz is not a setting; did you mean sampling.steps?",
    "[objective]\nnormalizer_gird = 3": "did you mean objective.normalizer_grid?",
    "noise = 3": "noise is a section: write [noise]",
    "[[noise]]\nkind = 've'": "noise is a section: write [noise]",
    "[noise]\nkind = 'vee'": 'noise.kind = "vee" is not allowed: it must be one of none, single, discrete, ve, vp, sub-vp, cosine, flow-matching, custom; did you mean ve?',
    "[noise]\nkind = 'custom'\nschedule = [[0, 1], [0.5, 2]]": "noise.schedule must hold points [t, sigma] from t = 0 to t = 1",
    "[noise]\nkind = 'custom'\nschedule = [[0, 0], [1, 2]]": "with every sigma above 0",
    "[noise]\nkind = 'custom'\nschedule = [[0, 1], [0.5, 3], [1, 2]]": "noise.schedule must rise in t and in sigma",
    "[noise]\nkind = 'custom'\nschedule = [[0, 1], [0.5, nan], [1, 2]]": "noise.schedule must rise in t and in sigma",
    "[noise]\nkind = 'custom'\nschedule = [[0, 1, 2], [1, 2]]": "noise.schedule",
    "[data]\npoints = 10": "data.points = 10 is not allowed: it must be a whole number from 50 to 1000000.",
    "[data]\npoints = 100.5": "data.points = 100.5 is not allowed: it must be a whole number",
    "[data]\npoints = 'many'": 'data.points = "many" is not allowed',
    "[data]\nkind = 'file'\npath = 3": "data.path = 3 is not allowed: it must be text.",
    '[data]\nkind = "file"\npath = "\\u0000"': "data.path",
    "[noise]\nkind = 'single'\nsigma = 'automatic'": 'noise.sigma = "automatic" is not allowed: it must be a number from 1e-15 to 1e15 or "auto".',
    "[noise]\nsigma_min = 3\nsigma_max = 2": "noise.sigma_min = 3 must lie below noise.sigma_max = 2",
    "[noise]\nkind = 'vp'\nbeta_min = 10\nbeta_max = 1": "noise.beta_min = 10 must lie below noise.beta_max = 1",
    "[noise]\nkind = 'discrete'\nsigmas = [1.0]": "noise.sigmas must hold at least two positive numbers.",
    "[noise]\nkind = 'discrete'\nsigmas = [1.0, -2.0]": "noise.sigmas must hold at least two positive numbers.",
    "[noise]\nkind = 'discrete'\nsigmas = [inf, 1.0]": "noise.sigmas must hold at least two positive numbers.",
    "[noise]\nkind = 'discrete'\nsigmas = [1.0, 2.0]": "noise.sigmas must fall from coarse to fine",
    "[noise]\nkind = 'discrete'\nsigmas = ['a', 'b']": "noise.sigmas[0] cannot be used: noise.sigmas must be a list, as in [8.0, 2.0, 0.5].",
    "[data]\nkind = 'drawn'\nstrokes = [{points = [], radius = 1.0}]": "data.strokes must hold finite points and a radius above 0.",
    "[data]\nkind = 'drawn'\nstrokes = [{points = [[1.0, 2.0]], radius = 0.0}]": "data.strokes must hold finite points",
    "[data]\nkind = 'drawn'\nstrokes = [{points = [[1.0, nan]], radius = 1.0}]": "data.strokes must hold finite points",
    "[data]\nkind = 'drawn'\nstrokes = [{points = [[1.0, 2.0, 3.0]], radius = 1.0}]": "data.strokes[0].points[0] cannot be used: data.strokes",
    "[data]\nkind = 'drawn'\nstrokes = [{points = [[1.0, 2.0]]}]": "data.strokes[0].radius is missing: data.strokes must be a list, as in",
    "[data]\nkind = 'drawn'\nstrokes = [{points = [[1.0, 2.0]], radius = 1.0, colour = 'red'}]": "data.strokes[0].colour is not known: data.strokes must",
    "[objective]\nkind = 'sliced'\nvariance_reduced = 1": "objective.variance_reduced = 1 is not allowed: it must be true or false.",
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.items(), ids=[text[:40] for text in WRONG])
def test_invalid_experiments_are_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        experiments.parse(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"


@pytest.mark.parametrize("given", [1e4, np.float64(1e4), np.float32(1e4)])
def test_a_count_may_be_a_whole_float_wherever_it_is_given(given: float) -> None:
    counted = experiments.replace(Experiment(), {"training.steps": 10_000, "seed": 3})
    by_file = experiments.parse("seed = 3.0\n[training]\nsteps = 1e4")
    by_option = experiments.replace(Experiment(), dict(map(experiments.assignment, ("training.steps=1e4", "seed=3.0"))))
    for found in (experiments.replace(Experiment(), {"training.steps": given, "seed": 3.0}), by_file, by_option):
        assert experiments.dump(found) == experiments.dump(counted)  # 10000, and not 10000.0
        assert type(found.training.steps) is int


@pytest.mark.parametrize(
    ("given", "shown"), [(1.5, "1.5"), (1e99, "1e99"), (np.float64(2.5), "2.5"), (-1e3, "-1000.0")]
)
def test_a_count_that_is_not_whole_or_too_large_is_refused(given: float, shown: str) -> None:
    with pytest.raises(
        ExperimentError, match=rf"training.steps = {shown} is not allowed: it must be a whole number from 0"
    ):
        experiments.replace(Experiment(), {"training.steps": given})


MARKED: dict[str, Any] = {
    "moons.toml": experiments.load,
    "bars.toml": functools.partial(experiments.load_as, Boltzmann),
    "sweep.toml": sweeps.load,
    "scene.toml": lessons.load,
    "own.lesson.md": lessons.load,
}


@pytest.mark.parametrize("name", MARKED)
def test_a_byte_order_mark_before_toml_is_skipped(tmp_path: Path, name: str) -> None:
    texts = {
        "bars.toml": "steps = 7",
        "sweep.toml": "[axes]\n'sampling.steps' = [3]",
        "scene.toml": OLD_SCENE,
        "own.lesson.md": lessons.bundled()["01-score"].read_text(encoding="utf-8"),
    }
    path = tmp_path / name
    path.write_text(texts.get(name, "seed = 7"), encoding="utf-8")
    plain = MARKED[name](path)
    path.write_text(texts.get(name, "seed = 7"), encoding="utf-8-sig")  # as an editor on Windows saves it
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert MARKED[name](path) == plain


@given(st.text(max_size=200))
def test_any_text_gives_an_experiment_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ExperimentError):
        assert isinstance(experiments.parse(text), Experiment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("noise.sigma_max=8", ("noise.sigma_max", 8)),
        ("noise.sigma_max=auto", ("noise.sigma_max", "auto")),
        ("noise.sigma_max = 8.5", ("noise.sigma_max", 8.5)),
        ("noise.kind=vp", ("noise.kind", "vp")),
        ('noise.kind="vp"', ("noise.kind", "vp")),
        ("data.path=a=b.csv", ("data.path", "a=b.csv")),
        ("noise.sigmas=[4, 2, 1]", ("noise.sigmas", [4, 2, 1])),
        ("objective.variance_reduced=false", ("objective.variance_reduced", False)),
        ("seed=" + "9" * 5000, ("seed", "9" * 5000)),
    ],
)
def test_assignments_from_the_command_line(text: str, expected: tuple[str, Any]) -> None:
    assert experiments.assignment(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("seed", "has no ="), ("noise.sigmax=3", "did you mean noise.sigma"), ("=3", "no name before its =")],
)
def test_assignments_that_name_nothing_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(ExperimentError, match=sentence):
        experiments.assignment(text)


def test_files_load_with_paths_beside_them(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("[data]\nkind = 'file'\npath = 'points.csv'\n")
    assert experiments.value(experiments.load(tmp_path / "one.toml"), "data.path") == str(tmp_path / "points.csv")


ELSEWHERE = (
    r"\\server\share\a.csv", "//server/share/a.csv", r"\\?\UNC\server\share\a.csv", r"\??\C:\a.csv",
    "/dev/zero", "/tmp/../dev/zero", "/proc/kmsg",
)  # fmt: skip
NAMES = "NUL", r"\\.\COM1", r"C:\data\nul.csv", "data/Con .txt", "aux/points.csv", "lpt1:"


@pytest.mark.parametrize("file", [*ELSEWHERE, *NAMES])
def test_no_file_reads_data_from_a_share_or_a_device(tmp_path: Path, file: str) -> None:
    """A settings file, a sweep, a lesson and a scene are refused. The user's own choice is not."""
    data = f"[data]\nkind = 'images'\npath = '{file}'\n"
    start = f"[noise]\nkind = 'flow-matching'\nsource = 'file'\nsource_path = '{file}'\n"
    for text, key in ((data, "data.path"), (start, "noise.source_path")):
        (tmp_path / "one.toml").write_text(text, encoding="utf-8")
        why = (
            "as Windows takes this name for a device: rename it"
            if file in NAMES
            else "a network share or a device: copy"
        )
        said = f"A file may not set {key} = {file}, {why}"
        with pytest.raises(ExperimentError, match=re.escape(said)):
            experiments.load(tmp_path / "one.toml")
        inside = "\n".join(line.replace("[", "[experiment.") for line in text.splitlines())
        (tmp_path / "sweep.toml").write_text(f"[axes]\nseed = [1, 2]\n{inside}\n", encoding="utf-8")
        with pytest.raises(ExperimentError, match=re.escape(said)):
            sweeps.load(tmp_path / "sweep.toml")
        with pytest.raises(ExperimentError, match=re.escape(said)):
            lessons.Step(experiment=tomllib.loads(text)).settings  # noqa: B018
    named = experiments.replace(Experiment(), {"data.kind": "images", "data.path": file})
    assert experiments.value(named, "data.path") == file


def test_no_file_reaches_a_device_by_a_way_up_or_a_link(tmp_path: Path) -> None:
    up = os.path.relpath("/dev/zero", tmp_path)
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    for file in (up, "link.csv"):
        (tmp_path / "one.toml").write_text(f"[data]\nkind = 'file'\npath = '{file}'\n", encoding="utf-8")
        with pytest.raises(ExperimentError, match="a network share or a device"):
            experiments.load(tmp_path / "one.toml")


@pytest.mark.parametrize("file", ["a.csv", "/home/me/devices/a.csv", r"C:\data\a.csv", "nullable.csv", "company/x.npz"])
def test_other_files_may_be_named(file: str) -> None:
    named = experiments.parse(f"[data]\nkind = 'file'\npath = '{file}'\n")
    assert experiments.value(named, "data.path") == file


def test_only_so_many_strokes_are_possible() -> None:
    stroke = Stroke(points=((0.0, 0.0), (1.0, 1.0)), radius=0.1)
    experiments.replace(Experiment(), {"data.kind": "drawn", "data.strokes": (stroke,) * MOST_STROKES})
    with pytest.raises(ExperimentError) as caught:
        experiments.replace(Experiment(), {"data.kind": "drawn", "data.strokes": (stroke,) * 20_000})
    assert (
        str(caught.value)
        == "data.strokes has 20,000 strokes, and at most 1,000 are possible: draw with fewer, longer ones."
    )


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name, sentence in (("missing.toml", "No such file"), ("binary.toml", "not a text file"), (".", "directory")):
        with pytest.raises(ExperimentError, match=sentence):
            experiments.load(tmp_path / name)


def test_saving_replaces_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "experiment.toml"
    first = experiments.replace(Experiment(), {"seed": 1})
    experiments.save(first, path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        experiments.save(Experiment(), path)
    assert experiments.load(path) == first
    assert [file.name for file in tmp_path.iterdir()] == ["experiment.toml"]


EVERY_DATA = fields()["data.kind"].choices
EVERY_NOISE = fields()["noise.kind"].choices


def with_settings(**changes: Any) -> Experiment:
    return experiments.replace(Experiment(), dotted(changes))


@pytest.mark.parametrize("objective", fields()["objective.kind"].choices)
@pytest.mark.parametrize("noise", EVERY_NOISE)
def test_only_denoising_without_noise_cannot_be_trained(objective: str, noise: str) -> None:
    refusal = training_conflict(with_settings(objective__kind=objective, noise__kind=noise, network__kind="energy"))
    if (objective, noise) == ("denoising", "none"):
        assert refusal is not None
        assert "divides by zero" in str(refusal)
        assert refusal.key == "objective.kind"
    else:
        assert refusal is None


@pytest.mark.parametrize(
    ("network", "data", "reason"),
    [
        ("auto", "two-moons", "which a score network does not have"),
        ("mlp", "rings", "which a score network does not have"),
        ("energy", "digits", "in two dimensions only"),
    ],
)
def test_maximum_likelihood_needs_an_energy_in_the_plane(network: str, data: str, reason: str) -> None:
    settings = {"objective__kind": "maximum-likelihood", "network__kind": network, "data__kind": data}
    refusal = training_conflict(with_settings(**settings))
    assert refusal is not None
    assert refusal.key == "objective.kind"
    assert reason in str(refusal)
    assert training_conflict(with_settings(**settings | {"network__kind": "energy", "data__kind": "rings"})) is None


@pytest.mark.parametrize("sampler", fields()["sampling.kind"].choices)
@pytest.mark.parametrize("noise", EVERY_NOISE)
def test_samplers_that_need_a_path_of_noise_are_refused_without_one(sampler: str, noise: str) -> None:
    refusal = sampling_conflict(fitting({"sampling.source": "exact"}, {"sampling.kind": sampler, "noise.kind": noise}))
    kind = Sampler.kinds()[sampler]
    at_one_level = issubclass(kind, LangevinDynamics) and not kind.has_levels
    assert (refusal is not None) == (not at_one_level and noise in ("none", "single"))
    if refusal is not None:
        assert noise in str(refusal)
        assert "choose" in str(refusal)


@pytest.mark.parametrize("kind", EVERY_DATA)
def test_conflicts_that_depend_on_the_data(kind: str) -> None:
    training = training_conflict(with_settings(data__kind=kind))
    assert (training is not None) == (kind in ("file", "drawn", "images"))
    exact = sampling_conflict(with_settings(data__kind=kind, sampling__source="exact"))
    assert (exact is not None) == (kind in ("file", "digits", "images"))
    network = fitting({"data.path": "somewhere"}, {"data.kind": kind, "network.kind": "u-net"})
    assert (training_conflict(network) is not None) == (kind not in ("digits", "images"))


@pytest.mark.parametrize("objective", ["denoising", "maximum-likelihood"])
@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"network__kind": "u-net"}, "network.kind"),
        ({"data__kind": "drawn"}, "data.strokes"),
        ({"data__kind": "file"}, "data.path"),
        ({"data__kind": "images"}, "data.path"),
    ],
)
def test_conflicts_that_leave_nothing_to_build_come_first(objective: str, settings: dict[str, str], key: str) -> None:
    """When only a conflict of the objective was reported, the window tried to build the network and failed."""
    refusal = training_conflict(with_settings(objective__kind=objective, noise__kind="none", **settings))
    assert refusal is not None
    assert refusal.key == key


@pytest.mark.parametrize("noise", EVERY_NOISE)
def test_likelihood_needs_a_path_of_noise(noise: str) -> None:
    refusal = likelihood_conflict(with_settings(noise__kind=noise))
    assert (refusal is not None) == (noise in ("none", "single"))


def test_settings_that_differ_are_those_with_other_values_or_of_another_kind() -> None:
    ve, discrete = (experiments.replace(Experiment(), {"noise.kind": kind}) for kind in ("ve", "discrete"))
    assert experiments.differing(ve, ve) == []
    assert experiments.differing(ve, experiments.replace(ve, {"seed": 3})) == [*experiments.SEEDS]
    found = experiments.differing(ve, discrete)
    assert found == experiments.differing(discrete, ve) == ["noise.kind", "noise.levels", "noise.sigmas"]
    bigger = experiments.replace(discrete, {"noise.levels": 7, "noise.sigma_max": 5.5})
    assert experiments.differing(discrete, bigger) == ["noise.sigma_max", "noise.levels"]
