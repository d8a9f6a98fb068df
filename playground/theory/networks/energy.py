r"""A perceptron that gives an energy: one number f, whose gradient is the score.

.. math:: \log p(x, \sigma) = -f(x, \sigma) - \ln Z(\sigma), \quad
          -f = -\frac{|x|^2}{2 (\sigma^2 + sd^2)}
               + c(\sigma)\, \varphi\!\left(\frac{x}{\sqrt{\sigma^2 + sd^2}}, \frac{\ln \sigma'}{4}\right), \quad
          c = \frac{sd}{\sqrt{\sigma'^2 + \delta^2}}

so that s = -grad f is the preconditioned score of :mod:`playground.theory.networks` with F = c sigma'/sd grad phi: a field that is the
gradient of something, as every true score is and a network with D outputs need not be. It never meets Z. phi = 0, as at
the start, is the Gaussian.

With delta = 0 every level's F would be fitted alike, and at fine levels an error of F that no sample shows is one of
log p that is 1/sigma times as large. Below delta, the detail of most data, log p_sigma changes little with sigma, and so phi need
not.
"""

import torch
from torch import Tensor, nn

from playground.theory.fused_energy import energy_score
from playground.theory.networks.base import DATA_STD, in_batches
from playground.theory.networks.mlp import Perceptron

DETAIL = 0.2


class Energy(Perceptron):
    """A perceptron whose one output is phi; its score costs one pass back through it."""

    @staticmethod
    def last(width: int, dim: int) -> nn.Linear:
        return nn.Linear(width, 1, bias=False, device="meta")  # a constant would change neither the score nor p

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

    def raw(self, x: Tensor, noise: Tensor) -> Tensor:
        asked = torch.is_grad_enabled()
        with torch.enable_grad():  # the score is a gradient, whether or not someone asks for its own
            x = x if x.requires_grad else x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.through(x, noise).sum(), x, create_graph=asked)
        level = torch.exp(4 * noise)
        return gradient * (self.factor(level) * level / DATA_STD).view(-1, *[1] * (x.ndim - 1))

    def _evaluated(self, x: Tensor, sigma: Tensor) -> Tensor:
        return energy_score(x.flatten(1), sigma, self.factor(sigma), self.parts, in_batches(x)).view(x.shape)
