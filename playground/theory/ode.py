"""Dormand-Prince 5(4) with step control for every row of the batch by itself.

A solver that shares one step among all rows averages their errors, so a few bad rows hide among thousands of good ones:
at tolerance 1e-3 the worst of 2,000 log-likelihoods was off by 2.07 nat with a shared step and by 0.11 with steps of
their own. Here each row has its own time, step and error; rows that have arrived make room for others.

Integrals along the solution are taken of each step by :mod:`playground.theory.quadrature`, at points between that the step
gives for nothing.

Source: Dormand & Prince 1980; Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, sections II.4-II.6.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.theory.quadrature import INNER, lobatto
from playground.theory.tableau import ERROR, NODES, STAGES, dense_output
from playground.user_errors import UserError

Field = Callable[..., Tensor]
"""dx/dt as field(x, t): x (N, M), t (N,), every row at its own time; returns (N, M). Where rows have something of their own
that does not move, as field(x, t, fixed)."""

Integrand = Callable[..., tuple[Tensor, Tensor]]
"""dx/dt as of the field, (N, M), and what is to be integrated over t there, (N, K)."""

FRAME_NUMBERS = 2**24
"""Numbers that :func:`frames` holds at once: 64 MB in single precision, 500 frames of 16,000 points of the plane."""

_FULL = 7 / 8
_SAFETY = 0.9
_SHRINK, _GROW = 0.2, 10.0
_SHARE = 0.3  # of the tolerance that a step may use up: the errors of ten to a hundred steps add up
# PI control: the present error and, against oscillation, the one before (Hairer & Wanner II, IV.2; the numbers of their DOPRI5). With
# 0.7/5 and 0.4/5 steps settle where they use a sixth of what they may, for a fifth more evaluations at equal worst error.
_NOW, _BEFORE = 0.17, 0.04
_STIFF = 3.0  # length of a step times a rate of decay: at 3.3 these steps turn unstable, which then bounds them, not their error
_SHARE_BESIDE = 0.07  # beside integrals: an error in x is one in all that is integrated from there on


class TooManySteps(UserError, ArithmeticError):
    """Some rows need more steps than allowed; the message says how many rows, and where they are stuck."""


@dataclass(frozen=True, eq=False)
class OdeResult:
    """Rows at t1.

    Attributes:
        x: (N, M).
        integrals: (N, K) of the integrand from t0 to t1; without one, (N, 0).
        evaluations: (N,) calls of the field and of the integrand that each row took part in, int64.
        path: (P, N, M) at the times asked for, or None.
    """

    x: Tensor
    integrals: Tensor
    evaluations: Tensor
    path: Tensor | None


@dataclass(frozen=True)
class OdeProgress:
    """Progress of the solve: the mean over rows of the part of [t0, t1] that is done; `result` comes with the last one
    only."""

    fraction: float
    result: OdeResult | None


def tolerance_floor(dtype: torch.dtype) -> float:
    """The smallest tolerance that rounding leaves any meaning: 1.9e-6 in float32. Smaller ones are raised to it."""
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
) -> Iterator[OdeProgress]:
    """Solve dx/dt = field(x, t) from t0 to t1, forwards or backwards, one progress an evaluation of the field.

    A step is accepted where each component of its error is at most 0.3 tolerance * (1 + |x|), beside integrals 0.07, and likewise the
    error of each integral, plus its allowance: what the steps leave adds up.

    Args:
        x0: (N, M) at t0.
        tolerance: > 0, raised to :func:`tolerance_floor`.
        times: (P,) from t0 to t1 in order, where to record the path, by the quartic between steps.
        fixed: (N, ...), a row for each of x0: the field's third argument.
        integrand: gives the field's slopes and what to integrate along the solution; asked once where rows start, and three
            times a step.
        allowance: (N, K), not negative: an error of the integrals that does not matter, such as the rounding of what is made of
            them later; None: none, of one integral.
        batch: rows solved at once; the rest wait, and join as soon as an eighth of those have arrived.
        max_steps: accepted and refused steps that one row may take.
        give_up: leave a row that does not arrive as NaN, its path too, and go on with the others.

    Raises:
        TooManySteps: a row is not there after `max_steps`, or its field is not finite, and it is not to be given up.
    """
    tolerance = max(tolerance, tolerance_floor(x0.dtype))
    rows = _Rows(field, x0, t0, t1, tolerance, times, max_steps, fixed, integrand, allowance, batch, give_up)
    while not rows.finished:
        progress = OdeProgress(rows.fraction, None)
        for _ in rows.advance():
            yield progress
    path = None if times is None else rows.path
    yield OdeProgress(1.0, OdeResult(rows.x1, rows.integrals1, rows.evaluations, path))


def frames(
    field: Field,
    x0: Tensor,
    times: Tensor,
    tolerance: float,
    *,
    fixed: Tensor | None = None,
    max_steps: int = 10_000,
) -> Iterator[Tensor | None]:
    """The solution of :func:`dormand_prince` at each of `times`, each as soon as every row has passed it.

    None after each evaluation of the field, of which thousands may lie between two frames: to cancel is to stop iterating.
    Rows step past the times at their own pace and are interpolated there, so frames cost no evaluations: the solver is held
    up only at the end of every `FRAME_NUMBERS` numbers, for their memory's sake.

    Args:
        x0: (N, M) at times[0].
        times: (P,) in order, forwards or backwards; the first frame is x0 itself.
        fixed: as for :func:`dormand_prince`.

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
    """Rows on their way. Names ending in 1 are results in the caller's order; those of `_ACTIVE` hold only rows still moving."""

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
        # Rounded twice, a time may lie a hair beyond the end, where nobody comes by.
        ends = sorted(torch.tensor([t0, t1], dtype=x0.dtype).tolist())
        self.times = None if times is None else times.clamp(*ends)
        self.path = x0.new_empty((0 if times is None else len(times), *x0.shape))
        if times is not None:
            self.path[:] = x0  # times up to t0 lie at the start
        self.started = 0 if t0 != t1 else len(x0)
        self._start(0)
        if self.started < len(x0):
            self._join()

    def _start(self, count: int) -> None:
        """Put the next `count` rows, and no others, at the start of their way."""
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
        """Let waiting rows take the places of those that have arrived."""
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
        return max(done, 0.0)  # at the start the sum may be rounded to more than all

    def _at_end(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes and values of the integrand where steps begin and end: (N, M) and (N, K)."""
        if self.integrand is None:
            return self.field(x, t, *self.fixed), self.integrals
        return self.integrand(x, t, *self.fixed)

    def _first_step(self) -> Tensor:
        """Length of the first step: an Euler step explores how fast the slope turns (Hairer I, II.4).

        What is integrated may turn sooner: of half the length its worst errors are those of later steps.
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
        return torch.where(torch.isfinite(h), h, tiny)  # a field that is not finite is refused by the step control

    def advance(self) -> Iterator[None]:
        """One attempted step of every active row, in parts that each ask the field once."""
        self.steps += 1
        remaining = (self.t1 - self.t).abs()
        last = self.h >= remaining * (1 - 1e-6)  # no sliver of a step is left over for the end
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
        factor = torch.where(self.refused, factor.clamp(max=1.0), factor)  # no growth right after a refusal
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
        self.slope = torch.where(column_accepted, slopes[-1], self.slope)  # first same as last
        self.integrals = torch.where(column_accepted, integrals, self.integrals)
        self.value = torch.where(column_accepted, value, self.value)
        self.t = torch.where(accepted, t, self.t)
        self.error_before = torch.where(accepted, ratio.clamp(min=1e-4), self.error_before)
        self.refused = ~accepted
        self.h = h.abs() * factor
        arrived = accepted & last
        stuck = (self.steps >= self.max_steps) & ~arrived
        if bool(stuck.any()) and not self.give_up:
            # At the same time in two places: the slope's change over theirs is the rate that the step has to damp.
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
        """Integrals at the end of the step, (N, K), and its error in shares of what is allowed, that of x where it is greater.

        Steps that x refuses are not integrated.
        """
        assert self.integrand is not None
        row = torch.nonzero(ratio <= 1)[:, 0]
        if not len(row):
            return self.integrals, ratio  # convolutions take no empty batch
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
        """Fill in the path between the two ends of the accepted steps."""
        assert self.times is not None
        behind = self.direction * (self.times[:, None] - self.t) > 0
        index, row = torch.nonzero(behind & (self.direction * (t - self.times[:, None]) >= 0) & accepted, as_tuple=True)
        h = (t - self.t)[row, None]
        u = (self.times[index, None] - self.t[row, None]) / h
        self.path[index, self.rows[row]] = dense_output(u, h, self.x[row], x[row], [k[row] for k in slopes])


def _norm(x: Tensor) -> Tensor:
    """Largest magnitude in each row: an average over 64 pixels would hide an error in the one log-density beside them."""
    return x.abs().amax(dim=1)
