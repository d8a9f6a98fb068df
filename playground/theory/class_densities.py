r"""The densities of classes whose mixture is the density of all data.

.. math:: p(x) = \sum_c \pi_c\, p(x \mid c), \qquad p_\sigma(c \mid x) = \frac{\pi_c\, p_\sigma(x \mid c)}{p_\sigma(x)}

Noise keeps the class, so at every level the smoothed density of all data is the mixture of the smoothed densities of the
classes. The probability of a class given a noisy point then is a closed form, and so are both scores of classifier-free
guidance. They differ by the gradient of log p_sigma(c | x).

Source: Dhariwal & Nichol 2021, "Diffusion models beat GANs on image synthesis", section 4, for the conditional score.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.theory.densities import Density, GaussianMixture
from playground.theory.noise import like


class ClassDensities:
    """The densities of some classes, and their frequencies.

    Args:
        mixture: the density p of all data.
        densities: p(x | c), for each class.
        frequencies: pi_c, (C,), > 0, normalised here.

    Raises:
        ValueError: there are no classes, or not as many frequencies.
    """

    def __init__(self, mixture: Density, densities: Sequence[Density], frequencies: Tensor) -> None:
        if not densities or frequencies.shape != (len(densities),) or not bool((frequencies > 0).all()):
            raise ValueError(
                f"{len(densities)} classes need as many frequencies above 0, not {tuple(frequencies.shape)}"
            )
        self.mixture, self.densities = mixture, tuple(densities)
        self.frequencies = frequencies / frequencies.sum()

    @classmethod
    def of(cls, mixture: GaussianMixture) -> "ClassDensities":
        """The classes of a mixture's components.

        Raises:
            ValueError: the components have no classes.
        """
        if mixture.classes is None:
            raise ValueError("the components of this mixture have no classes")
        densities, frequencies = [], []
        for number in range(int(mixture.classes.max()) + 1):
            own = mixture.classes == number
            densities.append(GaussianMixture(mixture.means[own], mixture.stds[own], mixture.weights[own]))
            frequencies.append(mixture.weights[own].sum())
        return cls(mixture, densities, torch.stack(frequencies))

    @property
    def count(self) -> int:
        """The number of classes."""
        return len(self.densities)

    def log_posterior(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """log p_sigma(c | x) of all classes, (N, C), for x (N, dim) and sigma >= 0, one number or (N,)."""
        joint = [
            density.log_prob(x, sigma) + share.log()
            for density, share in zip(self.densities, self.frequencies, strict=True)
        ]
        return torch.log_softmax(torch.stack(joint, dim=1), dim=1)

    def score(self, x: Tensor, sigma: Tensor | float, label: Tensor | None = None) -> Tensor:
        """The score of p_sigma(x | c), or of p_sigma(x) without a label, (N, dim), for x (N, dim).

        Args:
            sigma: one number or (N,), >= 0.
            label: c, 0-d or (N,) int64; None, or the number of classes, for all data.
        """
        if label is None:
            return self.mixture.score(x, sigma)
        every = (*self.densities, self.mixture)
        if not label.ndim:
            return every[int(label)].score(x, sigma)
        level = like(sigma, x).expand(len(x))
        found = torch.empty_like(x)
        for number, density in enumerate(every):
            rows = label == number
            if bool(rows.any()):
                found[rows] = density.score(x[rows], level[rows])
        return found
