"""The computing of a cell: training, sampling and figures."""

import dataclasses
import traceback

from playground.kinds import plugins
from playground.lab import experiment as experiments
from playground.lab.checkpoints import PREFIX
from playground.lab.claims import one_thread
from playground.lab.compute import result
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.figures import FIGURES, OVER_FLOOR
from playground.lab.keys import FiguresKey, RunKey
from playground.lab.loss_curve import losses_along_sigma
from playground.lab.measured import Figures
from playground.lab.opened import Opened
from playground.lab.provenance import Provenance
from playground.lab.sampling import require_sampler
from playground.lab.session import Session
from playground.lab.sweep.orders import CellResult, Delivery, Order, packed, unpacked
from playground.lab.trained import Trained
from playground.user_errors import UserError, user_error
from playground.version import __version__


@one_thread()  # the same in every process, because sums of floats depend on it
def deliver(order: Order) -> Delivery:
    """Do the work of :func:`playground.lab.sweep.running.compute`."""
    if order.version != __version__:
        raise UserError(
            f"A worker runs Score Playground {__version__}, not {order.version}: install the same version there."
        )
    plugins.load_all(order.plugin_files)
    trained: bytes | None = None
    try:
        experiment = experiments.from_tree(order.settings, Experiment())
        session = None if order.model is None else unpacked(order.model)
        with one_thread():  # the same in every process, because sums of floats depend on it
            if order.trains:
                session = _train(experiment, order)
                trained = packed(session)
            return Delivery(_measured(experiment, session, order), trained)
    except (Exception, SystemExit) as error:  # of a plug-in perhaps: the other cells go on
        said = user_error(error)
        if said is not None:
            return Delivery(CellResult(error=str(said)), trained)
        kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        log = "".join(traceback.format_exception(error))
        return Delivery(CellResult(error=f"This should not have happened ({kind})."), trained, log)


def _train(experiment: Experiment, order: Order) -> Session:
    opened = Opened.of(experiment, order.device).begun()
    trained: Trained = result(opened.compute(opened.training))
    if trained.last is not None and trained.last.diverged is not None:
        raise ExperimentError(trained.last.diverged)
    state = dict(trained.state)
    if not order.keeps_checkpoints:  # they would take most of the file
        state = {name: array for name, array in state.items() if not name.startswith(PREFIX)}
    return Session.of(experiment, opened.problem.dataset, weights=state, device=opened.device)


def _measured(experiment: Experiment, session: Session | None, order: Order) -> CellResult:
    if session is None:
        opened = Opened.of(experiment, order.device)
    else:
        opened = Opened.session(dataclasses.replace(session, experiment=experiment), order.device)
    problem, document = opened.problem, opened.document
    require_sampler(problem)
    run = RunKey.of(document.model, compared=True)
    parts = ["Sampling", *(["Likelihoods"] if order.measure == "all" else []), "Distances"]
    figures = Figures.union(result(opened.compute(FiguresKey.of(part, document.model, run))) for part in parts)
    names = [*figures.flat(), *(key + OVER_FLOOR for key in figures if key + OVER_FLOOR in FIGURES)]
    numbers = {name: figures.number(name) for name in names}
    return CellResult(
        {name: value for name, value in numbers.items() if value is not None},
        losses_along_sigma(problem, opened.model.score) if order.losses else {},
        provenance=Provenance.of(experiment, opened.device).as_json(),
    )
