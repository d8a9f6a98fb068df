"""The coefficients of Dormand and Prince's 5(4) method, and its dense output.

Source: Dormand & Prince 1980; Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, sections II.4-II.6.
"""

from torch import Tensor

NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),  # order 5: the step itself
)
# Order 5 minus order 4.
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)

# Dense output of order 4, the solution between two steps: Hairer, Norsett & Wanner I, II.6.
_DENSE_OUTPUT = (
    -12715105075 / 11282082432,
    0.0,
    87487479700 / 32700410799,
    -10690763975 / 1880347072,
    701980252875 / 199316789632,
    -1453857185 / 822651844,
    69997945 / 29380423,
)


def dense_output(u: Tensor | float, h: Tensor, start: Tensor, end: Tensor, slopes: list[Tensor]) -> Tensor:
    """The solution at the fraction u of a step h (N, 1) from `start` to `end`, both (N, M).

    It is the cubic through both ends and their slopes, plus a quartic term from the inner slopes.
    """
    return (
        (1 - u) * start
        + u * end
        + u * (u - 1) * ((1 - 2 * u) * (end - start) + (u - 1) * h * slopes[0] + u * h * slopes[-1])
        + (u * (u - 1)) ** 2 * h * sum(w * k for w, k in zip(_DENSE_OUTPUT, slopes, strict=True) if w)
    )
