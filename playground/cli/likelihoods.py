"""The commands likelihood, decode and interpolate: log p and latent codes of points, and points from codes."""

import csv
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from playground.cli.reporting import number, say, stage, warn
from playground.cli.results import column_names, open_model, raise_conflict, write_csv
from playground.data import read_columns
from playground.data.npy import open_npy
from playground.data.tables import columns_named
from playground.lab import experiment as experiments
from playground.lab.conflicts import flow_conflict, likelihood_conflict
from playground.lab.energies import normalised
from playground.lab.inspection import score_eigenvalues
from playground.lab.label_dropout_checks import untrained_likelihood_score
from playground.lab.latent import Interpolation, interpolate
from playground.lab.likelihood import DecodedPoints, Progress, Result, decode, log_likelihood
from playground.lab.model import Model
from playground.lab.problem import Problem
from playground.lab.trust import EXTRAPOLATED, UNMEASURED, closed_form, extrapolation_warnings, few_data, flow_warnings
from playground.messages import Message
from playground.user_errors import UserError


def write_likelihoods(
    folder: Path, points: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path, latent: bool
) -> None:
    """``score-playground likelihood``."""
    model = _seeded(folder, assignments, seed, device)
    problem = model.problem
    raise_conflict(likelihood_conflict(problem.experiment))
    warn(untrained_likelihood_score(problem.experiment, problem.conditions))
    flat, header = read_points_to_evaluate(points, problem)
    if flow_conflict(problem.experiment) is None:
        _write_by_flow(model, flat, header, out, latent)
        return
    if latent:
        raise UserError("--latent is not possible: without a path from data to noise there are no latent codes.")
    energy = normalised(problem, model.likelihood_score)
    assert energy is not None  # without a flow, only an energy in the plane is not refused
    log_prob = energy.log_prob(flat)
    notes = extrapolation_warnings(problem, flat)
    errors = [energy.partition.error] * len(flat)
    columns = [*flat.T.tolist(), log_prob.tolist(), errors]
    header += ["log_prob", "log_partition_error"]
    exact = problem.exact_log_prob(flat, energy.sigma)
    if exact is not None:
        columns.append(exact.tolist())
        header.append("exact")
    _add_eigenvalues(header, columns, model, flat, energy.sigma)
    write_csv(out, [*header, "note"], zip(*columns, _texts(notes), strict=True))
    say(f"By {energy.origin}")
    _summarise(log_prob, notes, out)
    _warn_of_few_data(problem, flat, energy.sigma)


def _write_by_flow(model: Model, flat: np.ndarray, header: list[str], out: Path, latent: bool) -> None:
    problem = model.problem
    points = flat.reshape(-1, *problem.shape)
    work = log_likelihood(problem, model.likelihood_score, points, give_up=True)
    found = _done("Likelihood", work, _count(len(flat), "point"))
    known = closed_form(problem, points, float(found.sigma))
    notes = flow_warnings(problem, points, found.log_prob, found.standard_error, known)
    log_prob = _measured(found.log_prob, notes)
    if np.isnan(log_prob).all():
        raise UserError(f"No point could be measured. Point 1 of {len(flat)} is {notes[0]}.")
    columns = [*flat.T.tolist(), _cells(log_prob), _errors(log_prob, found.standard_error), found.evaluations.tolist()]
    header = [*header, "log_prob", "standard_error", "evaluations"]
    if known is not None:
        columns.append(known.tolist())
        header.append("closed_form")
    if found.exact is not None and problem.experiment.likelihood.source != "exact":
        columns.append(found.exact.tolist())
        header.append("exact")
    if latent:
        columns += [_cells(codes) for codes in found.latent.reshape(len(flat), -1).T]
        header += code_names(problem)
    _add_eigenvalues(header, columns, model, points, float(found.sigma))
    write_csv(out, [*header, "note"], zip(*columns, _texts(notes), strict=True))
    _summarise(log_prob, notes, out)
    _warn_of_few_data(problem, points, float(found.sigma))


def _add_eigenvalues(
    header: list[str], columns: list[list[Any]], model: Model, points: np.ndarray, sigma: float
) -> None:
    """Add the eigenvalues of the score's Jacobian at points of the plane: their real parts, and the size of their imaginary parts."""
    found = score_eigenvalues(model.problem, model.likelihood_score, points, sigma, None, sigma)
    if found is not None:
        header += ["eigenvalue_1", "eigenvalue_2", "eigenvalue_imag"]
        columns += map(_cells, (*found.real.T, abs(found[:, 0].imag)))


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


def _errors(log_prob: np.ndarray, standard_error: np.ndarray | None) -> list[float | str]:
    """The column of the standard errors. It is empty for a single probe, which has no spread, and where log p is missing."""
    errors = np.nan if standard_error is None else standard_error
    return _cells(np.where(np.isnan(log_prob), np.nan, errors))


def _is(kind: str, note: Message | None) -> bool:
    """Whether a point's note is a warning of this kind."""
    return note is not None and note.code == kind


def _texts(notes: Sequence[Message | None]) -> list[str]:
    """The column of the notes."""
    return ["" if note is None else str(note) for note in notes]


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
    mean = f"Mean log-likelihood {number(log_prob[measured].mean())} nats of {_count(measured.sum(), 'point')}"
    if sound.any() and sound.sum() < measured.sum():
        those = "one that is" if sound.sum() == 1 else f"{sound.sum()} that are"
        mean += f" ({number(log_prob[sound].mean())} of the {those} not {EXTRAPOLATED})"
    say(f"{mean}; each is in {out}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def write_decoded(
    folder: Path, codes: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path
) -> None:
    """``score-playground decode``."""
    model = _open(folder, assignments, seed, device)
    problem = model.problem
    latent = read_codes(codes, problem)
    found = _done("Decoding", decode(problem, model.likelihood_score, latent), _count(len(latent), "code"))
    columns = [*found.points.reshape(len(latent), -1).T.tolist(), *_decoded(problem, found)]
    write_csv(out, [*column_names(problem), "log_prob", "standard_error", "note"], zip(*columns, strict=True))
    say(f"{_count(len(latent), 'code')} {'is' if len(latent) == 1 else 'are'} decoded in {out}")


def write_interpolation(
    folder: Path, points: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path, count: int
) -> None:
    """``score-playground interpolate``."""
    model = _open(folder, assignments, seed, device)
    problem = model.problem
    flat, header = read_points_to_evaluate(points, problem)
    if len(flat) != 2:
        raise UserError(
            f"{points} holds {_count(len(flat), 'point')}: an interpolation has two ends, so give two rows."
        )
    work = interpolate(problem, model.likelihood_score, flat.reshape(-1, *problem.shape), count)
    found = _done("Interpolation", work, f"{count} points")
    way = found.points.reshape(count, -1).T.tolist()
    columns = [found.shares.tolist(), *way, *_decoded(problem, found)]
    write_csv(out, ["u", *header, "log_prob", "standard_error", "note"], zip(*columns, strict=True))
    say(f"The interpolation, {count} points, is in {out}")


def _done(title: str, work: Iterable[Progress[Result]], what: str) -> Result:
    """The result of some work, which is shown as it goes on."""
    with stage(title) as update:
        for progress in work:
            update(progress.fraction, what)
    assert progress.result is not None
    return progress.result


def _decoded(problem: Problem, found: DecodedPoints | Interpolation) -> list[Sequence[object]]:
    """The columns log_prob, standard_error and note of decoded points."""
    notes = flow_warnings(problem, found.points, found.log_prob, found.standard_error)
    _warn(notes)
    log_prob = _measured(found.log_prob, notes)
    return [_cells(log_prob), _errors(log_prob, found.standard_error), _texts(notes)]


def _open(folder: Path, assignments: Sequence[str], seed: int | None, device: str) -> Model:
    """Open a model for latent codes."""
    model = _seeded(folder, assignments, seed, device)
    raise_conflict(flow_conflict(model.problem.experiment, "Latent codes are the ends of"))
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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            rows, header = list(table), list(table.fieldnames or ())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or 'it is not there'}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise UserError(f"{path} holds no latent codes: it needs {wanted}.") from None
    places = columns_named(names, header)
    if places is None or not rows:
        raise UserError(f"{path} holds no latent codes: it needs {wanted}.")
    known = {name.casefold() for name in (*names, *column_names(problem))}
    for name in header:
        if re.fullmatch(r"z\d+", name.strip(), re.IGNORECASE) and name.strip().casefold() not in known:
            raise UserError(
                f"{path} has a column {name.strip()}, but the codes of this model end with {names[-1]}: "
                "decode them by the model whose likelihood --latent wrote them."
            )
    codes = np.array([[_code(row[header[place]]) for place in places] for row in rows])
    bad = ~np.isfinite(codes).all(axis=1)
    if bad.any():
        raise UserError(f"{path}: point {bad.argmax() + 1} has no latent code: remove its row.")
    return codes.reshape(-1, *problem.shape)


def _code(cell: str | None) -> float:
    """A cell as a number, or NaN. A row that ends early has None in its missing cells."""
    return float(cell) if cell is not None and _is_number(cell) else np.nan


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
    try:
        points, named = (
            (_read_array(path, problem), None) if path.suffix.lower() == ".npy" else _read_rows(path, header)
        )
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or 'it is not there'}.") from None
    except ValueError:
        raise UserError(f"{path} holds no images: it needs {wanted}.") from None
    if points.shape[1:] != (len(header),) or not len(points) or not np.isfinite(points).all():
        raise UserError(f"{path} holds no images: it needs {wanted}.")
    places = None if named is None else columns_named(header, named)
    return points if places is None else points[:, places], header


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


def _read_rows(path: Path, names: Sequence[str]) -> tuple[np.ndarray, list[str] | None]:
    """Rows of comma-separated numbers, and the column names if the first line has no numbers.

    If there are further columns, those with the names in `names` are taken.

    Raises:
        OSError, ValueError: the file cannot be read, or holds something else.
    """
    lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    if not lines:
        raise ValueError
    cells = [cell.strip().strip("\"'") for cell in lines[0].split(",")]
    named = not any(map(_is_number, cells))
    places = columns_named(names, cells)
    if places is not None and len(cells) > len(names):
        rows = [[row[place] for place in places] for row in csv.reader(lines) if len(row) == len(cells)]
        if len(rows) < len(lines):
            raise ValueError
        return np.array(rows[1:], dtype=float).reshape(-1, len(names)), list(names)
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # numpy's warning of a file without rows
        points = np.loadtxt(lines[named:], delimiter=",", ndmin=2)
    return points, cells if named else None


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


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
