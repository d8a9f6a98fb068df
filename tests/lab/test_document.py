"""A Document and a Store against a plain model that keeps everything: same settings, same weights, same runs, same figures."""

import dataclasses
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import structs, to_builtins

from playground.app.model.history import History
from playground.data.dataset import DataError
from playground.kinds import plugins
from playground.lab.bounded_memory import parts_of
from playground.lab.columns import Column
from playground.lab.compute import compute, result
from playground.lab.document import Document, LessonPlace, NeedsTraining
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, ExperimentError, from_tree, replace
from playground.lab.figures.parts import PARTS
from playground.lab.keys import GIVEN, FiguresKey, ModelKey, PointsKey, TrainingKey, WeightsKey
from playground.lab.measured import Figures, Measured
from playground.lab.opened import Opened
from playground.lab.points import Points
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.lab.training import Trainer
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from tests.app.conftest import pinned_run
from tests.figures import flat
from tests.own_process import ran

SMALL = replace(
    Experiment(),
    {
        "data.points": 50,
        "likelihood.points": 10,
        "network.width": 8,
        "network.depth": 1,
        "training.steps": 3,
        "training.batch": 8,
        "sampling.steps": 3,
        "sampling.particles": 12,
    },
)
EDITS: dict[str, list[Any]] = {
    "data.seed": [0, 1],
    "training.seed": [0, 1],
    "sampling.seed": [0, 1],
    "network.width": [8, 16],
    "noise.sigma_max": ["auto", 5.0],
    "objective.kind": ["denoising", "exact"],
    "training.learning_rate": [1e-3, 1e-2],
    "sampling.steps": [3, 4],
    "sampling.source": ["learned", "exact"],
    "likelihood.points": [10, 20],
    "likelihood.tolerance": [1e-3, 1e-2],
}
RESETS = ("data", "noise", "network")
Weights = dict[str, np.ndarray]


class Plain:
    """All that ever was, kept beside: nothing is looked up, nothing dropped, and which training is meant is said by a list."""

    def __init__(self) -> None:
        self.histories: list[list[tuple[Experiment, tuple[int, ...]]]] = [[(SMALL, ())]]
        self.place = 0
        self.trained: list[tuple[Experiment, Weights | None]] = []  # each with the settings with which it began

    @property
    def experiment(self) -> Experiment:
        return self.histories[0][self.place][0]

    @property
    def begun(self) -> tuple[int, ...]:
        return self.histories[0][self.place][1]

    def step(self, experiment: Experiment, begun: tuple[int, ...]) -> None:
        self.histories[0] = [*self.histories[0][: self.place + 1], (experiment, begun)]
        self.place += 1

    @property
    def training(self) -> int | None:
        """The newest training with the present data, noise, network and seed."""
        for number in reversed(self.begun):
            first = self.trained[number][0]
            same = all(getattr(first, section) == getattr(self.experiment, section) for section in RESETS)
            if same and first.training.seed == self.experiment.training.seed:
                return number
        return None


def trained_by_hand(experiment: Experiment, steps: int = 1, state: Weights | None = None) -> Weights:
    trainer = Trainer(Problem.build(experiment))
    if state is not None:
        trainer.restore(state)
        trainer.extend()
    for _ in range(steps):
        next(trainer, None)
    return trainer.state()


def run_by_hand(experiment: Experiment, split: int, state: Weights | None) -> Trajectory:
    problem = Problem.build(experiment, experiment.data.load(split))
    score = problem.known_score()
    if score is None:
        trainer = Trainer(problem)
        assert state is not None
        trainer.restore(state)
        score = trainer.ema.requires_grad_(False)
    *_, run = sample(problem, score)
    return run


def as_json(document: Document) -> list[Any]:
    """The settings and trainings of a document, those that change nothing among them, which a history leaves out."""
    trainings = [(to_builtins(key.experiment), key.digests, key.name) for key in document.trainings]
    return [to_builtins(document.experiment), document.digests, trainings]


def from_json(told: list[Any]) -> Document:
    """What :func:`as_json` returned."""
    settings, digests, trainings = told
    keys = (TrainingKey(from_tree(tree, Experiment()), digests_of(of), name) for tree, of, name in trainings)
    return Document(from_tree(settings, Experiment()), digests_of(digests), tuple(keys))


def digests_of(told: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((setting, digest) for setting, digest in told)


class Machine(RuleBasedStateMachine):
    """Edits, trainings, resets, undos, drops from memory, kills and reopenings, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folders = Path(tempfile.mkdtemp())
        self.count = 0
        self.store = Store(self.folders / "0")
        self.documents, self.place = [Document.of(SMALL)], 0
        self.names: list[TrainingKey] = []
        self.plain = Plain()
        self.keep()

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folders)

    @property
    def document(self) -> Document:
        return self.documents[self.place]

    def step(self, document: Document) -> None:
        self.documents, self.place = [*self.documents[: self.place + 1], document], self.place + 1
        self.keep()

    def keep(self) -> None:
        told = {"documents": [as_json(one) for one in self.documents], "place": self.place}
        self.store.write_note(json.dumps(told).encode())

    def read(self) -> None:
        note = self.store.note()
        assert note is not None
        told = json.loads(note)
        self.documents, self.place = [from_json(one) for one in told["documents"]], told["place"]

    @rule(key=st.sampled_from(sorted(EDITS)), which=st.integers(0, 1))
    def edit(self, key: str, which: int) -> None:
        changes = {key: EDITS[key][which]}
        self.step(self.document.edited(changes))
        self.plain.step(replace(self.plain.experiment, changes), self.plain.begun)

    @rule()
    def train(self) -> None:
        """From start to end by the settings alone."""
        document = self.document.begun()
        assert document.training is not None
        found = result(compute(document.training, self.store, "cpu"))
        self.step(document)
        self.begin(document.training, trained_by_hand(self.plain.experiment))
        assert found.last is not None

    @rule()
    def reset(self) -> None:
        """A training begins, and stops before its first step."""
        document = self.document.begun(f"training {len(self.plain.trained)}")
        assert document.training is not None
        self.step(document)
        self.begin(document.training, None)

    @precondition(lambda self: self.plain.training is not None)
    @rule()
    def train_on(self) -> None:
        """With the present settings, which may have changed on the way: no function of the settings."""
        number = self.plain.training
        assert number is not None
        first, state = self.plain.trained[number]
        settings = replace(self.plain.experiment, {"likelihood.points": first.likelihood.points})
        more = trained_by_hand(settings, state=state)
        document = self.document.begun(f"training {len(self.plain.trained)}")
        assert document.training is not None
        self.store.put(document.training, Trained(more))
        self.step(document)
        self.begin(document.training, more)

    def begin(self, key: TrainingKey, state: Weights | None) -> None:
        self.names.append(key)
        self.plain.trained.append((self.plain.experiment, state))
        self.plain.step(self.plain.experiment, (*self.plain.begun, len(self.plain.trained) - 1))

    @rule(where=st.floats(0, 1))
    def undo(self, where: float) -> None:
        """To any place of the history, forth too."""
        self.place = self.plain.place = round(where * (len(self.documents) - 1))
        self.keep()

    @rule()
    def drop(self) -> None:
        self.store.release()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store(self.folders / str(self.count))
        self.read()

    @rule()
    def kill(self) -> None:
        """What lies on the disk at this moment is all that is left."""
        before, self.count = self.store, self.count + 1
        shutil.copytree(self.folders / str(self.count - 1), self.folders / str(self.count))
        self.store = Store(self.folders / str(self.count))
        before.close()
        self.read()

    @rule()
    def run(self) -> None:
        """The run of the present settings, and its figures, by their keys and by hand."""
        number = self.plain.training
        first, state = (self.plain.experiment, None) if number is None else self.plain.trained[number]
        experiment = self.plain.experiment
        if experiment.sampling.follows == "learned" and state is None:
            with pytest.raises(Exception, match=r"no trained weights|not there any more"):
                result(compute(self.document.run, self.store, "cpu"))
            return
        found: Trajectory = result(compute(self.document.run, self.store, "cpu"))
        by_hand = run_by_hand(experiment, first.likelihood.points, state)
        np.testing.assert_array_equal(found.positions, by_hand.positions)
        points: Points = result(compute(self.document.points, self.store, "cpu"))
        assert len(points.saved.held_out) == first.likelihood.points  # a training owns its split
        figures: Figures = result(compute(FiguresKey.of("Distances", self.document.model), self.store, "cpu"))
        problem = Problem.build(experiment, experiment.data.load(first.likelihood.points))
        last = result(sample_distances(problem, by_hand.positions[-1]))
        assert figures["wasserstein2"].value == flat(last)["wasserstein2"]
        assert figures["wasserstein2"].floor == flat(last)["wasserstein2_floor"]

    @invariant()
    def settings_are_the_same(self) -> None:
        assert self.document.experiment == self.plain.experiment
        number = self.plain.training
        assert self.document.training == (None if number is None else self.names[number])

    @invariant()
    def nothing_that_was_learned_is_lost(self) -> None:
        number = self.plain.training
        if number is None or self.document.training is None:
            return
        found, expected = self.store.get(self.document.training), self.plain.trained[number][1]
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found is not None
            assert found.state.keys() == expected.keys()
            for name in expected.keys() - {"seconds"}:
                np.testing.assert_array_equal(found.state[name], expected[name])


TestMachine = pytest.mark.claims(Machine.TestCase)
Machine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


POINTS, WHOLE, NAMED, RUN = "points", "whole training", "named training", "run"


def keys_of(experiment: Experiment) -> dict[str, Any]:
    """The keys of settings whose training is another in each of them."""
    document = Document.of(experiment)
    named = document.begun("a training")
    assert named.training is not None
    parts = {name: FiguresKey.of(name, named.model) for name in PARTS}
    known = Document.of(replace(experiment, {"sampling.source": "exact"})).begun("a training")
    return parts | {
        POINTS: document.points,
        WHOLE: TrainingKey.of(experiment),
        NAMED: named.training,
        RUN: named.run,
        "run of the exact score": known.run,
    }


OF_POINTS = {POINTS, WHOLE, NAMED, RUN, "run of the exact score", *PARTS}


@pytest.mark.parametrize(
    ("changes", "others"),
    [
        ({"data.seed": 1}, OF_POINTS),
        ({"data.noise": 0.1}, OF_POINTS),
        ({"likelihood.points": 20}, OF_POINTS),
        ({"noise.sigma_max": 5.0}, OF_POINTS - {POINTS}),
        ({"network.width": 16}, OF_POINTS - {POINTS}),
        ({"training.seed": 1}, OF_POINTS - {POINTS}),
        ({"training.early_stopping": "on"}, OF_POINTS - {POINTS}),
        ({"training.learning_rate": 1e-2}, {WHOLE, *PARTS} - {"Sampling", "Distances"}),
        ({"objective.kind": "exact"}, {WHOLE, *PARTS} - {"Sampling", "Distances"}),
        ({"sampling.seed": 1}, {RUN, "run of the exact score", "Sampling", "Distances", "Error budget", "Path energy"}),
        (
            {"sampling.steps": 4},
            {RUN, "run of the exact score", "Sampling", "Distances", "Error budget", "Path energy"},
        ),
        ({"likelihood.tolerance": 1e-3}, {"Likelihoods", "Integral"}),
        ({"likelihood.interpolation": "linear"}, set()),
    ],
)
def test_a_key_has_what_its_value_depends_on_and_nothing_else(changes: dict[str, Any], others: set[str]) -> None:
    before, same, after = keys_of(SMALL), keys_of(replace(SMALL, {})), keys_of(replace(SMALL, changes))
    assert {name for name in before if before[name] != after[name]} == others
    for name, key in before.items():
        assert key == same[name]
        assert hash(key) == hash(same[name])
        assert key.file == same[name].file
        assert (key.file == after[name].file) == (name not in others)


def test_a_key_has_the_same_file_in_every_process_and_version() -> None:
    assert keys_of(SMALL)[POINTS].file == "points-d023b51cb1329773f962548e051c5b8a"
    assert keys_of(SMALL)[RUN].file == "run-4a2eacbc513dfbb50586110914868629"


def test_a_run_of_a_known_score_needs_no_training() -> None:
    document = Document.of(replace(SMALL, {"sampling.source": "exact"})).begun()
    store = Store()
    result(compute(document.run, store, "cpu"))
    assert store.get(document.run) is not None
    assert document.training is not None
    assert store.get(document.training) is None


def test_what_is_there_is_not_computed_again_and_what_is_stopped_is_not_kept() -> None:
    document, store = Document.of(SMALL).begun(), Store()
    stopped = compute(document.run, store, "cpu")
    next(stopped)
    stopped.close()
    assert document.training is not None
    assert store.get(document.training) is None
    seen: list[object] = []
    run = result(compute(document.run, store, "cpu"), seen.append)
    assert {type(one).__name__ for one in seen} == {"TrainingProgress", "Trajectory"}
    seen.clear()
    assert result(compute(document.run, store, "cpu"), seen.append) is run
    assert seen == []
    other = document.edited({"sampling.seed": 1})
    result(compute(other.run, store, "cpu"), seen.append)
    assert {type(one).__name__ for one in seen} == {"Trajectory"}


def test_columns_share_a_path_and_pins_are_read_again() -> None:
    first = Document.of(SMALL)
    document, pins = first.begun("a training"), (pinned_run(3, "one"), pinned_run(1, "two"))
    place = LessonPlace("exact", "Exact", 2)
    columns = Column.of({"sampling.steps": 4}), Column.of({"noise.schedule": ((0.0, 0.01), (1.0, 8.0))}, step=7)
    whole = with_parts(document, pins=pins, columns=columns, clicked=((0.5, 1.0), 3), lesson=place)
    told = json.loads(json.dumps(History([first, document, whole], 2).to_json()))
    assert History.from_json(told, pins).document == whole
    assert whole.run.compared
    assert whole.column(0).experiment.sampling.steps == 4
    assert whole.column(0).training == document.training
    damaged: tuple[dict[str, Any], ...] = (
        {"clicked": ["x"]},
        {"columns": 5 * [{}]},
        {"pins": [{"number": 3, "name": 5}]},
        {"pins": [3]},
    )
    for broken in damaged:
        with pytest.raises(ExperimentError, match="damaged"):
            History.from_json({**told, "parts": broken}, pins)
    with pytest.raises(ExperimentError, match="cannot differ"):
        with_parts(document, columns=(Column.of({"data.seed": 1}),)).column(0)


def test_a_clicked_point_belongs_to_its_data() -> None:
    document = with_parts(Document.of(SMALL), clicked=((0.5, 1.0),))
    assert document.edited({"sampling.steps": 4, "noise.kind": "vp"}).clicked == ((0.5, 1.0),)
    assert document.edited({"data.seed": 1}).clicked == ()


def with_parts(document: Document, **others: Any) -> Document:
    return structs.replace(document, **others)


def test_a_file_that_changes_on_disk_changes_nothing(tmp_path: Path) -> None:
    path, store = tmp_path / "points.csv", Store()
    rows = np.random.default_rng(0).normal(size=(60, 2))
    np.savetxt(path, rows, delimiter=",")
    document = Document.of(replace(SMALL, {"data.kind": "file", "data.path": str(path)}))
    first = result(compute(document.points, store, "cpu"))
    np.savetxt(path, rows + 1, delimiter=",")
    assert result(compute(document.edited({"sampling.steps": 4}).points, store, "cpu")) is first
    with pytest.raises(DataError, match=r"data\.path has changed since"):
        result(compute(document.points, Store(), "cpu"))
    again = document.edited({"data.path": str(path)})  # chosen anew
    assert again.points != document.points
    assert result(compute(again.points, store, "cpu")).saved.points.mean() > first.saved.points.mean() + 0.5


def test_a_session_is_what_a_document_reaches(tmp_path: Path) -> None:
    opened = Opened.of(SMALL, "cpu").begun()
    result(opened.compute(opened.document.run))
    pinned = {"name": "one", "figures": {"kl": 0.1}}
    dataclasses.replace(opened.saved(), runs=[pinned], clicked=((0.5, 1.0),)).save(tmp_path / "one.spg")
    again = Opened.session(Session.load(tmp_path / "one.spg"), "cpu", tmp_path / "one.spg")
    assert again.document.experiment == SMALL
    assert again.document.clicked == ((0.5, 1.0),)
    assert list(again.saved().runs) == [pinned]
    assert again.training.name  # which training it was; settings alone would not find it
    more = dataclasses.replace(again, document=again.document.after_training({"sampling.steps": 4, "seed": 1}))
    assert more.document.experiment.sampling.seed == 1
    assert more.document.experiment.data.seed == 0
    run: Trajectory = result(again.compute(again.document.run))
    np.testing.assert_array_equal(run.positions, result(opened.compute(opened.document.run)).positions)
    with pytest.raises(NeedsTraining, match="would need a new training"):
        again.document.after_training({"data.seed": 1})
    untrained = dataclasses.replace(Session.load(tmp_path / "one.spg"), weights=None, trajectory=None)
    few = Opened.session(untrained, "cpu")
    few = dataclasses.replace(few, document=few.document.edited({"likelihood.points": 20}))
    assert len(few.problem.dataset.held_out) == 10  # given points have their split


def test_memory_counts_points_and_networks_too() -> None:
    opened = Opened.of(SMALL, "cpu").begun()
    result(opened.compute(opened.document.run))
    model = opened.model
    assert model.network is not None
    held = parts_of(model)
    weights = {tensor.untyped_storage().data_ptr() for tensor in model.network.state_dict().values()}
    assert weights | {model.problem.train.untyped_storage().data_ptr()} <= held.keys()


def test_a_store_that_is_too_small_costs_time_and_nothing_else() -> None:
    small = dataclasses.replace(Opened.of(SMALL, "cpu"), store=Store(memory=1)).begun()
    opened = Opened.of(SMALL, "cpu").begun()
    for one in (small, opened):
        result(one.compute(one.document.run))
    saved, expected = small.saved(), opened.saved()
    assert saved.weights is not None
    assert expected.weights is not None
    np.testing.assert_array_equal(saved.weights["ema.hidden.0.weight"], expected.weights["ema.hidden.0.weight"])
    given = Points.of(SMALL.data.load(10))
    key = PointsKey.of(SMALL, ((GIVEN, given.digest),))
    small.store.put(key, given)
    small.store.put(PointsKey.of(SMALL), given)
    assert small.store.get(key) is given  # nothing else has it


def test_a_document_has_the_digests_of_its_plugins_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(plugins.loaded, tmp_path / "mine.py", plugins.Loaded((type(SMALL.sampling),), "b" * 64))
    start = tmp_path / "start.csv"
    np.savetxt(start, np.zeros((9, 2)), delimiter=",")
    flow = replace(SMALL, {"noise.kind": "flow-matching", "noise.source": "file", "noise.source_path": str(start)})
    for document in (Document.of(SMALL, "given"), Document.of(flow).edited({"sampling.seed": 1})):
        assert dict(document.digests)["sampling.kind"] == "b" * 64
        assert ("sampling.kind", "b" * 64) in document.run.model.digests
        assert not {"sampling.kind"} & {key for key, _ in document.points.digests}
    assert dict(Document.of(flow, "given").digests).keys() == {GIVEN, "noise.source_path", "sampling.kind"}
    other = Document.of(SMALL).edited({"sampling.kind": "langevin"})
    assert other.digests == Document.of(other.experiment).digests == ()
    assert Document.of(SMALL, "given").edited({"data.seed": 1}).digests == Document.of(SMALL).digests


@pytest.mark.claims  # starts processes
def test_zeros_of_both_signs_are_in_one_file() -> None:
    code = (
        "from playground.lab.document import Document; from playground.lab.experiment import Experiment, replace; "
        "print(Document.of(replace(Experiment(), {'sampling.score_factor': %s})).run.file)"
    )
    assert len({ran(code % zero) for zero in ("0.0", "-0.0")}) == 1


def test_the_final_loss_of_opened_weights_is_measured() -> None:
    opened = Opened.of(SMALL, "cpu").begun()
    result(opened.compute(opened.training))
    again = Opened.session(opened.saved(), "cpu")
    first, second = (result(one.compute(FiguresKey.of("Final loss", one.document.model))) for one in (opened, again))
    assert [second[key] for key in ("final_loss", "optimal_loss")] == [
        first[key] for key in ("final_loss", "optimal_loss")
    ]
    untold = Opened.session(dataclasses.replace(opened.saved(), training={}), "cpu")
    third = result(untold.compute(FiguresKey.of("Final loss", untold.document.model)))
    assert third["final_loss"] == first["final_loss"]
    assert "How training ended is not known" in str(third["optimal_loss"].reason)
    untrained = Opened.of(replace(SMALL, {"training.steps": 0}), "cpu").begun()
    nothing = result(untrained.compute(FiguresKey.of("Final loss", untrained.document.model)))
    assert "Nothing was trained" in str(nothing["final_loss"].reason)


@pytest.mark.claims  # starts a process
def test_the_first_value_may_be_asked_before_anything_else_is_imported() -> None:
    code = (
        "from playground.lab.opened import Opened; from playground.lab.experiment import Experiment; "
        "opened = Opened.of(Experiment(), 'cpu').begun(); next(opened.compute(opened.document.run))"
    )
    ran(code)


def test_what_only_a_store_has_says_so_when_it_is_gone() -> None:
    key = TrainingKey.of(SMALL, name="one that was trained for a time")
    with pytest.raises(ExperimentError, match="train again"):
        result(compute(key, Store(), "cpu"))
    given = Document.of(SMALL, "digest of an array").points
    with pytest.raises(DataError, match="open the session again"):
        result(compute(given, Store(), "cpu"))
    model = ModelKey(SMALL, PointsKey.of(SMALL), WeightsKey(TrainingKey.of(SMALL), step=7))
    with pytest.raises(ExperimentError, match="no weights of step 7"):
        result(compute(model, Store(), "cpu"))


@pytest.mark.parametrize("part", ["Final loss", "Distances", "Score errors", "Path energy"])
def test_figures_are_written_and_read_as_they_were(part: str, tmp_path: Path) -> None:
    document = Document.of(SMALL).begun()
    key = FiguresKey.of(part, document.model)
    with Store(tmp_path) as store:
        figures: Figures = result(compute(key, store, "cpu"))
    with Store(tmp_path) as store:
        read = store.get(key)
    assert isinstance(read, Figures)
    assert dict(read) == dict(figures)
    flat = figures.flat()
    assert {**flat} == read.flat()
    missing = [name for name, value in flat.items() if value is None]
    assert all(str(flat["reasons"][name]) for name in missing)


def test_figures_of_given_points_cannot_be_computed_again() -> None:
    known = replace(SMALL, {"sampling.source": "exact"})
    for points, again in ((PointsKey.of(known), True), (PointsKey.of(known, ((GIVEN, "digest"),)), False)):
        assert FiguresKey.of("Distances", ModelKey(known, points)).again == again


def test_a_measured_figure_has_its_parts() -> None:
    said = Message("few", "There are too few.")
    flat = {
        "distance": 0.5,
        "distance_standard_error": None,
        "distance_floor": 0.1,
        "distance_floor_std": 0.01,
        "shares": [0.25, 0.75],
        "test_points": 10,
        "reasons": {"distance_standard_error": said},
    }
    figures = Figures.of(flat)
    assert list(figures) == ["distance", "shares", "test_points"]
    assert figures["distance"] == Measured(0.5, None, 0.1, 0.01, reason=said)
    assert figures["shares"] == Measured((0.25, 0.75))
    assert figures.flat() == flat


def test_figures_of_both_versions_of_metrics_json_are_read() -> None:
    """In version 1 the parts of a figure had names of their own."""
    said = Message("few", "There are too few.")
    figures = Figures(
        {
            "wasserstein2": Measured(0.5, None, 0.1, 0.01, (40, 40)),
            "mode_weights": Measured((0.25, 0.75), (0.1, 0.1), (0.5, 0.5)),
            "memorized_share": Measured(0.2, 0.01, 0.1, 0.02),
            "log_partition": Measured(1.5, 0.01),
            "energy_distance": Measured(0.1, 0.02, points=(30, 30)),
            "classifier_accuracy": Measured(0.6, 0.02, points=(30, 30)),
            "kl": Measured(None, reason=said),
        }
    )
    first, second = figures.flat(), figures.to_json()
    assert first["mode_weights_true"] == [0.5, 0.5]
    assert (first["memorized_share_held_out_standard_error"], first["two_sample_points"]) == (0.02, [30, 30])
    assert second["version"] == 2
    assert second["wasserstein2"] == {"value": 0.5, "floor": 0.1, "floor_std": 0.01, "points": (40, 40)}
    assert second["kl"] == {"value": None, "reason": said}
    assert dict(Figures.of(first)) == dict(Figures.of(second)) == dict(figures)
    nulls = {"kl_standard_error": None, "reasons": first["reasons"] | {"kl_standard_error": said}}
    assert dict(Figures.of(first | nulls)) == dict(figures)  # as version 1 was written
