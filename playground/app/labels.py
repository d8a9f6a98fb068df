"""What the cards call the settings; and sentences that name settings, as the window says them.

The same sentences serve the command line and files, where a setting is its key (``training.batch = 0``) and a choice its
own name. Whoever looks at a card knows neither.
"""

import re

from playground.app import option_labels
from playground.app.number_formats import format_number
from playground.lab.experiment import Field, fields

LABELS = {
    "data.points": "points N",
    "data.noise": "noise std",
    "noise.sigma": "σ",
    "noise.sigma_min": "σ min",
    "noise.sigma_max": "σ max",
    "noise.levels": "levels L",
    "noise.beta_min": "rate β₀",
    "noise.beta_max": "rate β₁",
    "network.kind": "network",
    "objective.weight": "weight λ(σ)",
    "objective.projections": "projections k",
    "objective.probes": "probe distribution",
    "objective.variance_reduced": "variance-reduced",
    "objective.normalizer_grid": "normalizer grid",
    "objective.target_batch": "stable-target batch",
    "training.batch": "batch B",
    "training.lr_schedule": "LR schedule",
    "training.early_stopping": "early stopping",
    "training.ema_decay": "EMA decay",
    "training.sigma_distribution": "σ distribution",
    "sampling.source": "score",
    "sampling.labels": "class",
    "sampling.label": "class c",
    "sampling.guidance": "guidance w",
    "sampling.inpainting_mask": "inpainting mask",
    "sampling.inpainting_image": "inpainting image",
    "sampling.step": "step size ε",
    "sampling.churn": "S churn",
    "sampling.final_denoising": "final denoising step",
    "sampling.time_grid": "time grid",
    "sampling.churn_min": "S min",
    "sampling.churn_max": "S max",
    "sampling.churn_noise": "S noise",
    "sampling.corrector_steps": "correctors",
    "sampling.snr": "corrector SNR r",
    "likelihood.source": "score",
    "likelihood.points": "test points",
    "likelihood.trace": "divergence",
    "likelihood.trace_probes": "trace probes k",
    "likelihood.probes": "probe distribution",
    "likelihood.dequantization_samples": "dequantization samples",
    "likelihood.interpolation": "latent interpolation",
}
"""Of the settings that no plain form of their key names well enough."""
UNLABELLED = {
    "data.kind": "data",
    "data.path": "file",
    "data.strokes": "drawing",
    "noise.kind": "noise",
    "noise.sigmas": "noise levels",
    "noise.schedule": "curve σ(t)",
    "objective.kind": "objective",
    "sampling.kind": "sampler",
}
"""Of those whose controls carry no label: what they are called in a sentence, and by a screen reader."""
CARDS = {
    "data": "Data",
    "noise": "Noise",
    "network": "Objective",
    "objective": "Objective",
    "training": "Train",
    "sampling": "Sample",
    "likelihood": "Likelihood",
}


def label_of(field: Field) -> str:
    """A setting's name, with its symbol where there is one: ``step ε``, ``learning rate``."""
    known = LABELS.get(field.key) or UNLABELLED.get(field.key)
    if known is not None:
        return known
    name = field.key.split(".")[-1].replace("_", " ")
    return f"{name} {field.symbol}" if field.symbol and len(name) + len(field.symbol) < 13 else name


def _named(key: str) -> str:
    """A setting in a sentence, with its card where other cards have one of that name."""
    name = label_of(fields()[key])
    sections = {key.split(".")[0] for key, field in fields().items() if "." in key and label_of(field) == name}
    return name if len(sections) == 1 else f"{name} ({CARDS[key.split('.')[0]]})"


_KEY = "|".join(re.escape(key) for key in sorted(fields(), key=len, reverse=True) if "." in key)
_VALUE = r"[a-z0-9][a-z0-9-]*"
_SETTING = re.compile(rf"\b({_KEY})\b(?: = ((?:{_VALUE}, )*{_VALUE} or {_VALUE}|{_VALUE})\b)?")
_POWER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?e[+-]\d+\b")


def keys_in(sentence: str) -> set[str]:
    """The settings that a sentence of the laboratory names.

    >>> sorted(keys_in("training.batch = 0 is not allowed: choose sampling.source = exact or empirical."))
    ['sampling.source', 'training.batch']
    """
    return {found[1] for found in _SETTING.finditer(sentence)}


def spoken(sentence: str) -> str:
    """A sentence of the laboratory as the window says it: labels for keys, titles for choices, numbers as everywhere.

    >>> spoken("training.batch = 0 is not allowed: choose sampling.source = exact or empirical.")
    'Batch B = 0 is not allowed: choose score (Sample) “Exact” or “Training set”.'
    """

    def say(found: re.Match[str]) -> str:
        key, values = found[1], found[2]
        name = _named(key)
        if values is None:
            return name
        known = fields()[key].choices
        if values.split(",")[0].split()[0] not in known:
            return f"{name} = {values}"
        titles = re.sub(
            _VALUE, lambda one: f"“{option_labels.title(key, one[0])}”" if one[0] in known else one[0], values
        )
        return f"{name} {titles}"

    text = _SETTING.sub(say, sentence.replace("set data.path to", "open"))
    text = _POWER.sub(lambda number: format_number(float(number[0])), text)
    # A key begins no sentence by a capital; the label in its place does.
    return text[:1].upper() + text[1:] if _SETTING.match(sentence) and text[:1].isascii() else text
