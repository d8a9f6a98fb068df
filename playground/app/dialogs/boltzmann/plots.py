"""The two curves of the window: learning, and the cost of Z."""

from typing import TYPE_CHECKING

from playground.app.style.number_formats import format_number
from playground.app.widgets.charts.tall import TallChart
from playground.drawing.boltzmann import cost_chart, curve_chart

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost
    from playground.lab.boltzmann.training import Progress

ABOUT_LEARNING = "<p>Mean negative log-likelihood of a pattern during training. Dashed: the optimal one of a machine without biases.</p>"
ABOUT_COST = "<p>Time of Z and its gradient on this machine, and of the weight of one state. Dashed: a doubling with each unit.</p>"


class LearningCurve(TallChart):
    """NLL of a pattern against steps, with the optimal one of a machine without biases."""

    def __init__(self) -> None:
        super().__init__("Learning curve", ABOUT_LEARNING, 140)

    def show_curve(self, progress: "Progress", most_steps: int) -> None:
        """Show the NLLs so far, of `most_steps` requested steps."""
        nll, step = progress.nlls[-1], int(progress.steps[-1])
        self.show_chart(
            curve_chart(progress, most_steps), f"{nll:.4g} nat after {step} steps, optimal {progress.least:.4g}."
        )

    def say_x(self, value: float) -> str:
        return f"step {round(value) - 1}"

    def say_y(self, value: float, error: float = 0.0) -> str:
        return f"{format_number(value, 4)} nat"


class CostPlot(TallChart):
    """Seconds for Z, on a logarithmic axis, against the number of units."""

    def __init__(self) -> None:
        super().__init__("Cost of Z", ABOUT_COST, 124)

    def show_cost(self, cost: "Cost") -> None:
        """See :func:`playground.drawing.boltzmann.cost_chart`."""
        growth = cost.growth()
        more = (
            "" if growth is None else f" Each further unit took {growth[0]:.2f} times as long; the dashed line doubles."
        )
        said = (
            f"{format_number(float(cost.partition[-1]))} seconds for Z and its gradient of {int(cost.units[-1])} units, "
            f"{format_number(float(cost.weight[-1]))} for the weight of one state.{more}"
        )
        self.show_chart(cost_chart(cost), said)

    def say_x(self, value: float) -> str:
        return f"{round(value)} units"

    def say_y(self, value: float, error: float = 0.0) -> str:
        unit, name = (1e3, "ms") if value >= 1e-3 else (1e6, "µs")
        return f"{format_number(unit * value)} {name}"
