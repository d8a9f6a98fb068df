"""Audits: what the program's own tests ask of a kind, asked on this machine of any kind, built-in or plug-in.

Each family of kinds has its own file. It measures claims against closed forms, and then gives charts of what was measured.
Everything runs on the CPU with fixed seeds. A bound on a value with a sampling error is
:data:`playground.lab.audit.deviations.STANDARD_ERRORS` of them, so a right kind fails such a claim once in 100,000 seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.kinds.kind import Kind, registered
from playground.lab.audit.stated import Auditing
from playground.lab.chart import Chart
from playground.lab.claims import Claim as Claim
from playground.lab.claims import one_thread
from playground.lab.conflicts import training_conflict
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.user_errors import UserError, did_you_mean


@dataclass(frozen=True)
class Audit:
    """Claims that are measured one after another.

    Attributes:
        name, title: the kind by its section and name, and in words.
        claims: in the order in which they are measured.
        charts: returns what was measured as charts; call it after the claims.
    """

    name: str
    title: str
    claims: tuple[Claim, ...]
    charts: Callable[[], Sequence[Chart]] = tuple


def kind_named(name: str) -> type[Kind]:
    """The kind of a name such as ``vp``, or ``custom`` of ``noise.custom`` if two families have one of that name.

    Raises:
        UserError: there is no such kind, or two families have one.
    """
    section, _, short = name.rpartition(".")
    found = [kind for kind in registered() if kind.name() == short and section in ("", kind.section)]
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(f"{kind.section}.{kind.name()}" for kind in found)
        raise UserError(f"{name} is the name of {len(found)} kinds: write {choices}.")
    names = sorted({kind.name() for kind in registered()})
    hint = did_you_mean(short, names, "kinds")
    raise UserError(f"There is no kind {name}: {hint} A plug-in is loaded by --plugin FILE.py before the command.")


def experiment_of(kind: type[Kind]) -> Experiment:
    """The experiment of an audit: the defaults with this kind, and with what else it needs."""
    images = {"data.kind": "digits"} if getattr(kind, "needs_images", False) else {}
    experiment = replace(Experiment(), images | {f"{kind.section}.kind": kind.name()})
    for _ in range(3):  # each edit may show another conflict
        conflict = training_conflict(experiment)
        edits = [] if conflict is None else [edit.changes for edit in conflict.edits]
        kept = [changes for changes in edits if f"{kind.section}.kind" not in changes]
        if not kept:
            break
        experiment = replace(experiment, kept[0])
    return experiment


def audit(experiment: Experiment, section: str) -> Audit:
    """The audit of one of an experiment's kinds; nothing is measured yet.

    Args:
        experiment: the kind with its settings, and the others that it is used with.
        section: the family of the kind: data, noise, network, objective or sampling.

    Raises:
        DataError: the data cannot be read.
        ExperimentError: the kind does not fit the others.
    """
    from playground.lab.audit import datasets, networks, noise, objectives, samplers

    families: dict[str, Callable[[Experiment], Auditing]] = {
        "data": datasets.DataAudit,
        "noise": noise.NoiseAudit,
        "network": networks.NetworkAudit,
        "objective": objectives.ObjectiveAudit,
        "sampling": samplers.auditing,
    }
    if section not in families:
        raise ExperimentError(f"{section} has no audit: the sections are {', '.join(families)}.")
    kind: Kind = getattr(experiment, section)
    with one_thread():
        made = families[section](experiment)
        claims = tuple(made.claims())
    return Audit(f"{section}.{kind.name()}", f"{kind.title} ({section}.kind = {kind.name()})", claims, made.charts)
