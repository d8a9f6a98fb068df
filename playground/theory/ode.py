"""Dormand-Prince 5(4) with separate step control for every row of the batch.

A solver with one step for all rows averages their errors, so a few bad rows hide among thousands of good ones. At tolerance
1e-3 the largest error of 2,000 log-likelihoods was 2.07 nat with a shared step, and 0.11 with separate steps. Here each row has
its own time, step and error. Finished rows make room for others.

Integrals along the solution are computed in each step by :mod:`playground.theory.quadrature`. It evaluates the integrand at
inner points of the step, where the dense output gives the solution without further calls of the field.

Source: Dormand & Prince 1980; Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, sections II.4-II.6.
"""

from collections.abc import Callable, Generator, Iterator

import torch
from torch import Tensor

from playground.records import record
from playground.theory.quadrature import INNER, lobatto
from playground.theory.tableau import ERROR, NODES, STAGES, dense_output
from playground.user_errors import UserError

Field = Callable[..., Tensor]
"""dx/dt, (N, M), as field(x, t) for x (N, M) and t (N,), each row's own time; or as field(x, t, fixed) if rows have constants."""

Integrand = Callable[..., tuple[Tensor, Tensor]]
"""Takes the field's arguments; returns dx/dt, (N, M), and the integrand over t, (N, K)."""

FRAME_NUMBERS = 2**24
"""Numbers that :func:`frames` holds at once: 64 MB in single precision, 500 frames of 16,000 points in the plane."""

_FULL = 7 / 8
_SAFETY = 0.9
_SHRINK, _GROW = 0.2, 10.0
_SHARE = 0.3  # fraction of the tolerance allowed in a step, as the errors of ten to a hundred steps add up
# PI control uses the present error and, against oscillation, the one before (Hairer & Wanner II, IV.2; the constants of their
# DOPRI5). With 0.7/5 and 0.4/5 the steps' errors settle at a sixth of the allowed one, which takes a fifth more evaluations for the
# same worst error.
_NOW, _BEFORE = 0.17, 0.04
_STIFF = 3.0  # step length times rate of decay; from 3.3 on the method is unstable, so stability limits the step
_SHARE_BESIDE = 0.07  # _SHARE with integrals, where an error in x affects all that is integrated afterwards


class TooManySteps(UserError, ArithmeticError):
    """Some rows need more steps than allowed. The message says how many rows, and at which time they are stuck."""


@record
class OdeResult:
    """The solution at t1.

    Attributes:
        x: the rows at t1, (N, M).
        integrals: the integrals from t0 to t1, (N, K), or (N, 0) without an integrand.
        evaluations: the number of evaluations of the field and the integrand for each row, (N,), int64.
        path: the solution at the given times, (P, N, M), or None.
    """

    x: Tensor
    integrals: Tensor
    evaluations: Tensor
    path: Tensor | None


def tolerance_floor(dtype: torch.dtype) -> float:
    """The smallest meaningful tolerance given rounding: 1.9e-6 in float32. Smaller ones are raised to it."""
    return 16 * torch.finfo(dtype).eps


def dormand_prince(
    field: Field,
    x0: Tensor,
    t0: float,
    t1: float,
    tolerance: float,
    *,
    times: Tensor | None = None,
    fixed: Tensor | None = None,
    integrand: Integrand | None = None,
    allowance: Tensor | None = None,
    batch: int = 4096,
    max_steps: int = 10_000,
    give_up: bool = False,
) -> Generator[float, None, OdeResult]:
    """Solve dx/dt = field(x, t) from t0 to t1, forwards or backwards.

    After each evaluation of the field it yields the mean over rows of the part of [t0, t1] that is done.

    A step is accepted if each component of its error is at most 0.3 tolerance * (1 + |x|). With integrals 0.3 becomes 0.07, and
    the same bound plus the allowance holds for the error of each integral.

    Args:
        x0: the rows at t0, (N, M).
        tolerance: > 0, raised to :func:`tolerance_floor`.
        times: when to record the path, (P,), in order from t0 to t1. The dense output interpolates between steps.
        fixed: the field's third argument, (N, ...), a row for each of x0.
        integrand: returns the field's slopes and the integrand. It is evaluated once at a row's start, and three times a step.
        allowance: an error of the integrals that does not matter, (N, K), >= 0, such as the rounding error of later results. None
            stands for one integral with no allowance.
        batch: the number of rows solved at once. Others wait, and join once an eighth of these have finished.
        max_steps: the most steps of one row, accepted and rejected.
        give_up: whether a row that does not finish, and its path, become NaN while the others continue.

    Raises:
        TooManySteps: a row is not finished after `max_steps`, or its field is not finite, and `give_up` is false.
    """
    tolerance = max(tolerance, tolerance_floor(x0.dtype))
    rows = _Rows(field, x0, t0, t1, tolerance, times, max_steps, fixed, integrand, allowance, batch, give_up)
    while not rows.finished:
        fraction = rows.fraction
        for _ in rows.advance():
            yield fraction
    return OdeResult(rows.x1, rows.integrals1, rows.evaluations, None if times is None else rows.path)


def frames(
    field: Field,
    x0: Tensor,
    times: Tensor,
    tolerance: float,
    *,
    fixed: Tensor | None = None,
    max_steps: int = 10_000,
) -> Iterator[Tensor | None]:
    """Yield the solution of :func:`dormand_prince` at each of `times`, as soon as every row has passed it.

    It yields None after each evaluation of the field, of which there may be thousands between two frames. To cancel, stop
    iterating. Each row takes its own steps past the times and is interpolated there, so frames cost no evaluations. To bound the
    memory, rows only wait for each other once every `FRAME_NUMBERS` numbers.

    Args:
        x0: the rows at times[0], (N, M).
        times: (P,) in order, forwards or backwards. The first frame is x0 itself.
        fixed, max_steps: as for :func:`dormand_prince`.

    Raises:
        TooManySteps: as :func:`dormand_prince`.
    """
    tolerance, times = max(tolerance, tolerance_floor(x0.dtype)), times.to(x0)
    together = max(1, FRAME_NUMBERS // max(x0.numel(), 1))
    x = x0
    yield x0
    for first in range(0, len(times) - 1, together):
        part = times[first : first + together + 1]
        rows = _Rows(field, x, float(part[0]), float(part[-1]), tolerance, part[1:], max_steps, fixed)
        shown = 0
        while shown < len(part) - 1:
            if not rows.finished:
                for _ in rows.advance():
                    yield None
            for index in range(shown, rows.passed):
                yield rows.path[index]
            shown = rows.passed
        x = rows.x1


_ACTIVE = ("rows", "x", "slope", "integrals", "value", "allowance", "t", "h", "error_before", "refused", "steps")


class _Rows:
    """The state of the solver. Names ending in 1 are results in the caller's order; those in `_ACTIVE` hold unfinished rows."""

    def __init__(
        self,
        field: Field,
        x0: Tensor,
        t0: float,
        t1: float,
        tolerance: float,
        times: Tensor | None,
        max_steps: int,
        fixed: Tensor | None = None,
        integrand: Integrand | None = None,
        allowance: Tensor | None = None,
        batch: int | None = None,
        give_up: bool = False,
    ) -> None:
        self.give_up = give_up
        self.field, self.integrand = field, integrand
        self.tolerance, self.max_steps = tolerance, max_steps
        share = _SHARE if integrand is None else _SHARE_BESIDE
        self.step_tolerance = share * max(tolerance, tolerance_floor(x0.dtype) / _SHARE)
        self.x0, self.fixed0, self.batch = x0, fixed, len(x0) if batch is None else batch
        self.allowance0 = x0.new_zeros(len(x0), int(integrand is not None)) if allowance is None else allowance
        self.t0, self.t1, self.direction = t0, t1, 1.0 if t1 >= t0 else -1.0
        self.x1, self.integrals1 = x0.clone(), torch.zeros_like(self.allowance0)
        self.evaluations = torch.zeros(len(x0), dtype=torch.int64, device=x0.device)
        # A time that was rounded twice may lie just beyond the end, which no step reaches.
        ends = sorted(torch.tensor([t0, t1], dtype=x0.dtype).tolist())
        self.times = None if times is None else times.clamp(*ends)
        self.path = x0.new_empty((0 if times is None else len(times), *x0.shape))
        if times is not None:
            self.path[:] = x0  # the value at times up to t0
        self.started = 0 if t0 != t1 else len(x0)
        self._start(0)
        if self.started < len(x0):
            self._join()

    def _start(self, count: int) -> None:
        """Make the next `count` rows the active ones, at t0."""
        rows = slice(self.started, self.started + count)
        self.started += count
        self.rows = torch.arange(rows.start, rows.stop, device=self.x0.device)
        self.x, self.allowance, self.integrals = self.x0[rows], self.allowance0[rows], self.integrals1[rows]
        self.fixed: tuple[Tensor, ...] = () if self.fixed0 is None else (self.fixed0[rows],)
        self.t = self.x.new_full((count,), self.t0)
        self.error_before = torch.full_like(self.t, 1e-4)
        self.refused = torch.zeros_like(self.t, dtype=torch.bool)
        self.steps = torch.zeros_like(self.rows)
        self.slope, self.value, self.h = torch.empty_like(self.x), self.integrals, torch.empty_like(self.t)
        if count:
            self.slope, self.value = self._at_end(self.x, self.t)
            self.h = self._first_step()
            self.evaluations[rows] += 2

    def _join(self) -> None:
        """Replace finished rows by waiting ones."""
        moving, fixed = {name: getattr(self, name) for name in _ACTIVE}, self.fixed
        self._start(min(self.batch - len(self.rows), len(self.x0) - self.started))
        for name, values in moving.items():
            setattr(self, name, torch.cat([values, getattr(self, name)]))
        self.fixed = tuple(torch.cat(pair) for pair in zip(fixed, self.fixed, strict=True))

    @property
    def finished(self) -> bool:
        return len(self.rows) == 0

    @property
    def passed(self) -> int:
        """The number of recorded times that every row has passed."""
        if self.finished or self.times is None:
            return len(self.path)
        slowest = (self.direction * self.t).min()
        return int((self.direction * self.times <= slowest).sum())

    @property
    def fraction(self) -> float:
        left = float(((self.t1 - self.t) / (self.t1 - self.t0)).sum()) if not self.finished else 0.0
        done = 1.0 - (left + len(self.x0) - self.started) / max(len(self.x0), 1)
        return max(done, 0.0)  # at the start rounding may make it negative

    def _at_end(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes, (N, M), and values of the integrand, (N, K), at the ends of steps."""
        if self.integrand is None:
            return self.field(x, t, *self.fixed), self.integrals
        return self.integrand(x, t, *self.fixed)

    def _first_step(self) -> Tensor:
        """The length of the first step. An Euler step measures how fast the slope changes (Hairer I, II.4).

        An integrand may change faster. With half that length its worst errors are those of later steps.
        """
        scale = self.step_tolerance * (1 + self.x.abs())
        size, speed = _norm(self.x / scale), _norm(self.slope / scale)
        tiny = 1e-6 * abs(self.t1 - self.t0)
        h = torch.where((size < 1e-5) | (speed < 1e-5), tiny, 0.01 * size / speed).clamp(max=abs(self.t1 - self.t0))
        there = self.x + (self.direction * h)[:, None] * self.slope
        ahead = self.field(there, self.t + self.direction * h, *self.fixed)
        turning = _norm((ahead - self.slope) / scale) / h
        bend = torch.maximum(speed, turning)
        longer = torch.where(bend <= 1e-15, (1e-3 * h).clamp(min=tiny), (0.01 / bend).pow(1 / 5))
        h = torch.minimum(100 * h, longer).clamp(max=abs(self.t1 - self.t0))
        h = h if self.integrand is None else h / 2
        return torch.where(torch.isfinite(h), h, tiny)  # the step control rejects a field that is not finite

    def advance(self) -> Iterator[None]:
        """Attempt one step of every active row. It yields after each evaluation of the field."""
        self.steps += 1
        remaining = (self.t1 - self.t).abs()
        last = self.h >= remaining * (1 - 1e-6)  # so that no tiny step is left for the end
        h = self.direction * torch.where(last, remaining, self.h)
        column = h[:, None]
        slopes = [self.slope]
        x = before = self.x
        value = self.value
        for node, weights in zip(NODES, STAGES, strict=True):
            before, x = x, self.x + column * sum(w * k for w, k in zip(weights, slopes, strict=True) if w)
            if len(slopes) < len(STAGES):
                slopes.append(self.field(x, self.t + node * h, *self.fixed))
            else:
                slope, value = self._at_end(x, self.t + h)
                slopes.append(slope)
            yield
        self.evaluations[self.rows] += 6
        error = column * sum(w * k for w, k in zip(ERROR, slopes, strict=True) if w)
        ratio = _norm(error / (self.step_tolerance * (1 + torch.maximum(self.x.abs(), x.abs()))))
        integrals = self.integrals
        if self.integrand is not None:
            integrals, ratio = self._integrate(h, x, slopes, value, ratio)
        ratio = torch.where(torch.isfinite(ratio), ratio, torch.inf).clamp(min=1e-10)
        accepted = ratio <= 1
        factor = _SAFETY * ratio.pow(-_NOW) * self.error_before.pow(_BEFORE)
        factor = torch.where(accepted, factor, (_SAFETY * ratio.pow(-1 / 5)).clamp(max=1.0))
        factor = factor.clamp(_SHRINK, _GROW)
        factor = torch.where(self.refused, factor.clamp(max=1.0), factor)  # no growth right after a rejected step
        lost = (h.abs() * factor < 1e-12 * abs(self.t1 - self.t0)).logical_and(~accepted)
        if bool(lost.any()) and not self.give_up:
            raise TooManySteps(
                f"The step of {int((~accepted).sum())} points fell to nothing near t = {float(self.t[~accepted][0]):.4g}: "
                "the score is not finite or not smooth there."
            )
        t = torch.where(last, torch.full_like(self.t, self.t1), self.t + h)
        if self.times is not None:
            self._record(accepted, t, x, slopes)
        column_accepted = accepted[:, None]
        self.x = torch.where(column_accepted, x, self.x)
        self.slope = torch.where(column_accepted, slopes[-1], self.slope)  # first same as last (FSAL)
        self.integrals = torch.where(column_accepted, integrals, self.integrals)
        self.value = torch.where(column_accepted, value, self.value)
        self.t = torch.where(accepted, t, self.t)
        self.error_before = torch.where(accepted, ratio.clamp(min=1e-4), self.error_before)
        self.refused = ~accepted
        self.h = h.abs() * factor
        arrived = accepted & last
        stuck = (self.steps >= self.max_steps) & ~arrived
        if bool(stuck.any()) and not self.give_up:
            # The last two stages are at the same time. The change of slope over the change of position is the rate of decay.
            damped = h.abs() * _norm(slopes[-1] - slopes[-2]) / _norm(x - before)
            raise TooManySteps(self._why_stuck(stuck, stiff=float(damped[stuck].nanmedian()) > _STIFF))
        self._leave(arrived, lost | stuck)

    def _why_stuck(self, stuck: Tensor, stiff: bool) -> str:
        t = self.t[stuck]
        worst = float(t[(self.t1 - t).abs().argmax()])
        subject = "1 point is" if len(t) == 1 else f"{len(t)} points are"
        way_out = f"raise the tolerance above {self.tolerance:g} or the finest noise level"
        if stiff:
            way_out = "the score is stiff there, where a larger tolerance helps little; raise the finest noise level"
        return (
            f"{subject} not there after {self.max_steps} steps (the last is at t = {worst:.4g} on "
            f"its way from {self.t0:.4g} to {self.t1:.4g}): {way_out}."
        )

    def _leave(self, arrived: Tensor, lost: Tensor) -> None:
        done = arrived | lost
        if bool(done.any()):
            self.x1[self.rows[arrived]], self.integrals1[self.rows[arrived]] = self.x[arrived], self.integrals[arrived]
            self.x1[self.rows[lost]] = self.integrals1[self.rows[lost]] = self.path[:, self.rows[lost]] = torch.nan
            for name in _ACTIVE:
                setattr(self, name, getattr(self, name)[~done])
            self.fixed = tuple(each[~done] for each in self.fixed)
            if self.started < len(self.x0) and len(self.rows) <= _FULL * self.batch:
                self._join()

    def _integrate(
        self, h: Tensor, x: Tensor, slopes: list[Tensor], value: Tensor, ratio: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Integrals at the end of the step, (N, K), and the larger error ratio of x and the integrals, (N,).

        A step that is rejected for its error in x is not integrated.
        """
        assert self.integrand is not None
        row = torch.nonzero(ratio <= 1)[:, 0]
        if not len(row):
            return self.integrals, ratio  # convolutions accept no empty batch
        self.evaluations[self.rows[row]] += len(INNER)
        fixed = [each[row] for each in self.fixed]
        ends, step, t = (self.x[row], x[row]), h[row, None], self.t[row]
        b, c = (
            self.integrand(dense_output(u, step, *ends, [k[row] for k in slopes]), t + u * h[row], *fixed)[1]
            for u in INNER
        )
        values = (self.value[row], b, c, value[row])
        ratio, integrals = ratio.clone(), self.integrals.clone()
        integrals[row], error = lobatto(
            step, values, self.integrals[row], self.allowance[row], self.step_tolerance, t == self.t0
        )
        ratio[row] = torch.maximum(ratio[row], error)
        return integrals, ratio

    def _record(self, accepted: Tensor, t: Tensor, x: Tensor, slopes: list[Tensor]) -> None:
        """Record the path at the times within the accepted steps."""
        assert self.times is not None
        behind = self.direction * (self.times[:, None] - self.t) > 0
        index, row = torch.nonzero(behind & (self.direction * (t - self.times[:, None]) >= 0) & accepted, as_tuple=True)
        h = (t - self.t)[row, None]
        u = (self.times[index, None] - self.t[row, None]) / h
        self.path[index, self.rows[row]] = dense_output(u, h, self.x[row], x[row], [k[row] for k in slopes])


def _norm(x: Tensor) -> Tensor:
    """The largest magnitude in each row. A mean over 64 pixels would hide an error in one of them."""
    return x.abs().amax(dim=1)
