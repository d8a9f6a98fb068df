"""The commands likelihood, decode and interpolate: log p and latent codes of points, and points from codes."""

import csv
import math
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from playground.cli.reporting import number, say, stage, warn
from playground.cli.results import column_names, open_model, write_csv
from playground.data import read_columns
from playground.data.npy import open_npy
from playground.data.tables import columns_named
from playground.lab import experiment as experiments
from playground.lab.compute import Value, result
from playground.lab.conflicts import flow_conflict, likelihood_conflict, refuse
from playground.lab.energies import normalised
from playground.lab.inspection import score_eigenvalues
from playground.lab.label_dropout_checks import untrained_likelihood_score
from playground.lab.latent import interpolate
from playground.lab.likelihood import DecodedPoints, decode, log_likelihood
from playground.lab.model import Model
from playground.lab.problem import Problem
from playground.lab.table_cells import number_in
from playground.lab.trust import EXTRAPOLATED, UNMEASURED, closed_form, extrapolation_warnings, few_data, flow_warnings
from playground.messages import Message, how_many
from playground.user_errors import UserError

Columns = list[tuple[str, Sequence[object]]]
"""Of a table that is written: the names, two of which may be alike, and the cells below each."""


class Likelihoods(NamedTuple):
    """log p_sigma of points, NaN where it was not measured, with the columns that tell of it."""

    log_prob: np.ndarray
    sigma: float
    notes: Sequence[Message | None]
    columns: Columns


def write_likelihoods(
    folder: Path, points: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path, latent: bool
) -> None:
    """``score-playground likelihood``."""
    model = _seeded(folder, assignments, seed, device)
    problem = model.problem
    refuse(likelihood_conflict(problem.experiment))
    warn(untrained_likelihood_score(problem.experiment, problem.conditions))
    flat, header = read_points_to_evaluate(points, problem)
    places = flat.reshape(-1, *problem.shape)
    by_flow = flow_conflict(problem.experiment) is None
    if latent and not by_flow:
        raise UserError("--latent is not possible: without a path from data to noise there are no latent codes.")
    found = _by_flow(model, places, latent) if by_flow else _by_energy(model, places)
    columns = [*zip(header, flat.T.tolist(), strict=True), *found.columns]
    turned = score_eigenvalues(problem, model.likelihood_score, places, found.sigma, None, found.sigma)
    if turned is not None:  # the real parts, and the size of the imaginary ones
        columns += [(f"eigenvalue_{number}", _cells(part)) for number, part in enumerate(turned.real.T, start=1)]
        columns.append(("eigenvalue_imag", _cells(abs(turned[:, 0].imag))))
    _write(out, [*columns, _texts(found.notes)])
    _summarise(found.log_prob, found.notes, out)
    _warn_of_few_data(problem, places, found.sigma)


def _by_energy(model: Model, points: np.ndarray) -> Likelihoods:
    problem = model.problem
    energy = normalised(problem, model.likelihood_score)
    assert energy is not None  # without a flow, only an energy in the plane is not refused
    log_prob = energy.log_prob(points)
    errors = [energy.partition.error] * len(points)
    columns: Columns = [("log_prob", log_prob.tolist()), ("log_partition_error", errors)]
    exact = problem.exact_log_prob(points, energy.sigma)
    if exact is not None:
        columns.append(("exact", exact.tolist()))
    say(f"By {energy.origin}")
    return Likelihoods(log_prob, energy.sigma, extrapolation_warnings(problem, points), columns)


def _by_flow(model: Model, points: np.ndarray, latent: bool) -> Likelihoods:
    problem = model.problem
    work = log_likelihood(problem, model.likelihood_score, points, give_up=True)
    found = _done("Likelihood", work, how_many(len(points), "point"))
    known = closed_form(problem, points, float(found.sigma))
    notes = flow_warnings(problem, points, found.log_prob, found.standard_error, known)
    log_prob = _measured(found.log_prob, notes)
    if np.isnan(log_prob).all():
        raise UserError(f"No point could be measured. Point 1 of {len(points)} is {notes[0]}.")
    columns = [*_of_flow(log_prob, found.standard_error), ("evaluations", found.evaluations.tolist())]
    if known is not None:
        columns.append(("closed_form", known.tolist()))
    if found.exact is not None and problem.experiment.likelihood.source != "exact":
        columns.append(("exact", found.exact.tolist()))
    if latent:
        codes = map(_cells, found.latent.reshape(len(points), -1).T)
        columns += zip(code_names(problem), codes, strict=True)
    return Likelihoods(log_prob, float(found.sigma), notes, columns)


def _write(out: Path, columns: Columns) -> None:
    names, cells = zip(*columns, strict=True)
    write_csv(out, names, zip(*cells, strict=True))


def _warn_of_few_data(problem: Problem, points: np.ndarray, sigma: float) -> None:
    """Say in one line why columns log_prob and exact may differ much."""
    if problem.experiment.likelihood.source != "learned":
        return
    rows = [(row, note) for row, note in enumerate(few_data(problem, points, sigma), start=1) if note is not None]
    if rows:
        others = f" The same holds for {len(rows) - 1} more." if len(rows) > 1 else ""
        warn(Message("few-data", "Point {}: {}{}", (*rows[0], others)))


def _cells(values: np.ndarray) -> list[float | str]:
    """A column of a table; values that are not finite become empty."""
    return ["" if np.isnan(value) else value for value in values.tolist()]


def _measured(log_prob: np.ndarray, notes: Sequence[Message | None]) -> np.ndarray:
    """NaN for what was not."""
    return np.where([_is(UNMEASURED, note) for note in notes], np.nan, log_prob)


def _of_flow(log_prob: np.ndarray, standard_error: np.ndarray | None) -> Columns:
    """log p, and its standard errors: empty for a single probe, which has no spread, and where log p is missing."""
    errors = np.nan if standard_error is None else standard_error
    spread = np.where(np.isnan(log_prob), np.nan, errors)
    return [("log_prob", _cells(log_prob)), ("standard_error", _cells(spread))]


def _is(kind: str, note: Message | None) -> bool:
    """Whether a point's note is a warning of this kind."""
    return note is not None and note.code == kind


def _texts(notes: Sequence[Message | None]) -> tuple[str, list[str]]:
    """The column of the notes."""
    return "note", ["" if note is None else str(note) for note in notes]


def _warn(notes: Sequence[Message | None]) -> None:
    for kind in (UNMEASURED, EXTRAPOLATED):
        rows = [row for row, note in enumerate(notes, start=1) if _is(kind, note)]
        if rows:
            others = f"; column note has the same for {len(rows) - 1} more" if len(rows) > 1 else ""
            text = "Point {} of {} is {}{}."
            warn(Message(kind, text, (rows[0], len(notes), notes[rows[0] - 1], others)))


def _summarise(log_prob: np.ndarray, notes: Sequence[Message | None], out: Path) -> None:
    """Print the mean log p of the measured points, and the warnings about the others."""
    _warn(notes)
    measured, sound = ~np.isnan(log_prob), np.array([note is None for note in notes])
    mean = f"Mean log-likelihood {number(log_prob[measured].mean())} nats of {how_many(measured.sum(), 'point')}"
    if sound.any() and sound.sum() < measured.sum():
        those = "one that is" if sound.sum() == 1 else f"{sound.sum()} that are"
        mean += f" ({number(log_prob[sound].mean())} of the {those} not {EXTRAPOLATED})"
    say(f"{mean}; each is in {out}")


def write_decoded(
    folder: Path, codes: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path
) -> None:
    """``score-playground decode``."""
    model = _open(folder, assignments, seed, device)
    problem = model.problem
    latent = read_codes(codes, problem)
    found = _done("Decoding", decode(problem, model.likelihood_score, latent), how_many(len(latent), "code"))
    _write(out, _decoded(problem, found, column_names(problem)))
    say(f"{how_many(len(latent), 'code')} {'is' if len(latent) == 1 else 'are'} decoded in {out}")


def write_interpolation(
    folder: Path, points: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path, count: int
) -> None:
    """``score-playground interpolate``."""
    model = _open(folder, assignments, seed, device)
    problem = model.problem
    flat, header = read_points_to_evaluate(points, problem)
    if len(flat) != 2:
        raise UserError(
            f"{points} holds {how_many(len(flat), 'point')}: an interpolation has two ends, so give two rows."
        )
    work = interpolate(problem, model.likelihood_score, flat.reshape(-1, *problem.shape), count)
    found = _done("Interpolation", work, f"{count} points")
    _write(out, [("u", found.shares.tolist()), *_decoded(problem, found, header)])
    say(f"The interpolation, {count} points, is in {out}")


def _done(title: str, work: Generator[float, None, Value], what: str) -> Value:
    """The result of some work, which is shown as it goes on."""
    with stage(title) as update:
        return result(work, lambda done: update(done, what))


def _decoded(problem: Problem, found: DecodedPoints, header: Sequence[str]) -> Columns:
    """Decoded points with their log p and its notes."""
    notes = flow_warnings(problem, found.points, found.log_prob, found.standard_error)
    _warn(notes)
    places = found.points.reshape(len(found.points), -1).T.tolist()
    told = _of_flow(_measured(found.log_prob, notes), found.standard_error)
    return [*zip(header, places, strict=True), *told, _texts(notes)]


def _open(folder: Path, assignments: Sequence[str], seed: int | None, device: str) -> Model:
    """Open a model for latent codes."""
    model = _seeded(folder, assignments, seed, device)
    refuse(flow_conflict(model.problem.experiment, "Latent codes are the ends of"))
    return model


def _seeded(folder: Path, assignments: Sequence[str], seed: int | None, device: str) -> Model:
    """Open a model whose likelihoods draw by `seed`, or by that of ``--set seed=N``."""
    if seed is None:
        seed = dict(map(experiments.assignment, assignments)).get(experiments.SEED)
    return open_model(folder, assignments, device=device).model.with_likelihood_seed(seed)


def code_names(problem: Problem) -> list[str]:
    """The columns of latent codes."""
    return [f"z{axis}" for axis in range(int(np.prod(problem.shape)))]


def read_codes(path: Path, problem: Problem) -> np.ndarray:
    """Latent codes (N, *shape) from the columns z0, z1, ... of a table.

    Raises:
        UserError: the file cannot be read, or a column is missing.
    """
    names = code_names(problem)
    wanted = f"columns {names[0]} to {names[-1]} of finite numbers, as likelihood --latent writes them"
    lacking = UserError(f"{path} holds no latent codes: it needs {wanted}.")
    with _reading(path, lacking):
        header, codes = read_table(path, names)
    if columns_named(names, header) is None:
        raise lacking
    known = {name.casefold() for name in (*names, *column_names(problem))}
    for name in header:
        if re.fullmatch(r"z\d+", name, re.IGNORECASE) and name.casefold() not in known:
            raise UserError(
                f"{path} has a column {name}, but the codes of this model end with {names[-1]}: "
                "decode them by the model whose likelihood --latent wrote them."
            )
    bad = ~np.isfinite(codes).all(axis=1)
    if bad.any():
        raise UserError(f"{path}: point {bad.argmax() + 1} has no latent code: remove its row.")
    return codes.reshape(-1, *problem.shape)


@contextmanager
def _reading(path: Path, lacking: UserError) -> Iterator[None]:
    """Read a file in the block; one that holds something else is `lacking`."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or 'it is not there'}.") from None
    except (ValueError, csv.Error):
        raise lacking from None


def read_points_to_evaluate(path: Path, problem: Problem) -> tuple[np.ndarray, list[str]]:
    """Points (N, dims) in the user's units, and the names of their columns.

    Raises:
        DataError: the file cannot be read or holds no points of the plane.
        UserError: the file cannot be read or holds no images of the model's shape, or there are no rows.
    """
    if problem.shape == (2,):
        axes = problem.dataset.axes
        points, names = read_columns(path, axes)
        if not len(points):  # of an NPY file
            raise UserError(f"{path.name} has no rows: it needs two columns of numbers.")
        return _matched(path, points, names, axes)
    header = column_names(problem)
    shape = ", ".join(map(str, problem.shape))
    wanted = (
        f"a header {header[0]},...,{header[-1]} and {len(header)} numbers a row, as in samples.csv; or an NPY file of such rows or of an "
        f"array (N, {shape}) of real numbers"
    )
    lacking = UserError(f"{path} holds no images: it needs {wanted}.")
    with _reading(path, lacking):
        points = _read_array(path, problem) if path.suffix.lower() == ".npy" else read_table(path, header)[1]
    if points.shape[1:] != (len(header),) or not len(points) or not np.isfinite(points).all():
        raise lacking
    return points, header


def _matched(
    path: Path, points: np.ndarray, names: tuple[str, str] | None, axes: tuple[str, str]
) -> tuple[np.ndarray, list[str]]:
    """Columns in the order of the model's axes: by name if both have names, otherwise by position.

    Raises:
        UserError: the names differ. Data without names have x and y; with them, only a wrong position of x or y is an
            error.
    """
    if names is None:
        return points, list(axes)
    places = columns_named(axes, names)
    if places is not None:
        return points[:, places], list(axes)
    crossed = any(columns_named([axis], [name]) for axis, name in zip(axes[::-1], names, strict=True))  # as y is in y,b
    if names != axes and (crossed or axes != ("x", "y")):  # axes with names of their own, or x and y in the wrong order
        raise UserError(
            f"{path} has columns {names[0]} and {names[1]}, but the model was trained on {axes[0]} and {axes[1]}: "
            "name them alike, or remove the header to take them in this order."
        )
    return points, list(names)


def read_table(path: Path, names: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The header of a table with commas, if it has one, and its rows of numbers, (N, columns): of the columns of these names if the
    header has them, otherwise of all.

    What is no number is NaN, and so is each number of a row that has another length. Lines that begin with # are comments, and a
    first line without a number is a header or a title.

    Raises:
        OSError, ValueError, csv.Error: the file cannot be read, or has no rows.
    """
    lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    rows = list(csv.reader((line for line in lines if not line.lstrip().startswith("#")), skipinitialspace=True))
    header = [cell.strip().strip("\"'").strip() for cell in rows[0]] if rows else []
    if any(cell.casefold() == "nan" or not math.isnan(number_in(cell)) for cell in header):
        header = []
    rows = rows[bool(header) :]
    if not rows:
        raise ValueError
    places = columns_named(names, header)
    width = len(rows[0] if places is None else header)
    cells = (row if len(row) == width else [""] * width for row in rows)
    return header, np.array([[number_in(row[place]) for place in places or range(width)] for row in cells])


def _read_array(path: Path, problem: Problem) -> np.ndarray:
    """Images (N, dims) of an NPY file, in which they may have their shape or be flat rows.

    Raises:
        OSError, ValueError: the file cannot be read, or holds something else, such as levels from 0 to 255, which are not
            the units of a model.
    """
    array = open_npy(path)
    shapes = [(int(np.prod(problem.shape)),), problem.shape]
    if array.dtype.kind != "f" or array.shape[1:] not in shapes:
        raise ValueError
    return array.reshape(len(array), shapes[0][0]).astype(float)
