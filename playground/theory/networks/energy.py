r"""A perceptron for an energy f, a single number whose negative gradient is the score.

.. math:: \log p(x, \sigma) = -f(x, \sigma) - \ln Z(\sigma), \quad
          -f = -\frac{|x|^2}{2 (\sigma^2 + sd^2)}
               + c(\sigma)\, \varphi\!\left(\frac{x}{\sqrt{\sigma^2 + sd^2}}, \frac{\ln \sigma'}{4}\right), \quad
          c = \frac{sd}{\sqrt{\sigma'^2 + \delta^2}}

so s = -grad f is the preconditioned score of :mod:`playground.theory.networks` with F = c sigma'/sd grad phi. This score is a
gradient field, like every true score; a network with D outputs need not be. It does not need Z. phi = 0, the initial value,
gives the Gaussian.

With delta = 0, F would have the same scale at every level. At fine levels an error of F that no sample shows would then be an
error of log p that is 1/sigma times as large. Most data have no detail finer than delta: there log p_sigma changes little with
sigma, so phi need not change either.
"""

import torch
from torch import Tensor, nn

from playground.theory.networks.base import DATA_STD
from playground.theory.networks.mlp import Perceptron

DETAIL = 0.2


class Energy(Perceptron):
    """A perceptron whose single output is phi. Its score costs one backward pass."""

    @staticmethod
    def last(width: int, dim: int) -> nn.Linear:
        return nn.Linear(width, 1, bias=False, device="meta")  # a bias would change neither the score nor p

    def log_density(self, x: Tensor, sigma: Tensor) -> Tensor:
        """-f at x (N, \\*shape) for sigma (0-d or (N,), >= 0): log p up to the constant ln Z(sigma), in nats, (N,)."""
        sigma = sigma.to(x).expand(len(x))
        scaled = x.flatten(1) * torch.rsqrt(sigma.square() + DATA_STD**2)[:, None]
        phi = self.through(scaled, torch.log(torch.where(sigma > 0, sigma, DATA_STD)) / 4)[:, 0]
        return self.factor(sigma) * phi - 0.5 * scaled.square().sum(1)

    @staticmethod
    def factor(sigma: Tensor) -> Tensor:
        """c(sigma), in the shape of sigma."""
        return DATA_STD * torch.rsqrt(torch.where(sigma > 0, sigma, DATA_STD).square() + DETAIL**2)

    def raw(self, x: Tensor, noise: Tensor, label: Tensor | None = None) -> Tensor:
        asked = torch.is_grad_enabled()
        with torch.enable_grad():  # the score itself is a gradient
            x = x if x.requires_grad else x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.through(x, noise).sum(), x, create_graph=asked)
        level = torch.exp(4 * noise)
        return gradient * (self.factor(level) * level / DATA_STD).view(-1, *[1] * (x.ndim - 1))
