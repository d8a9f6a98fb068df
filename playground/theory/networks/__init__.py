r"""Networks that learn a score: random Fourier features, preconditioning, an MLP and a small U-Net.

All of them learn data of mean 0 and variance sd^2 = 1 per axis, in variance-exploding coordinates. The preconditioning of
Karras et al. 2022 (table 1: c_skip, c_out, c_in, and the noise input ln(sigma)/4), written for the score, is

.. math:: s(x, \sigma) = -\frac{x}{\sigma^2 + sd^2}
          + \frac{sd}{\sigma' \sqrt{\sigma^2 + sd^2}} F\!\left(\frac{x}{\sqrt{\sigma^2 + sd^2}}, \frac{\ln \sigma'}{4}\right)

with sigma' = sigma, or sigma' = sd for sigma = 0, which avoids a division by zero. F = 0, the initial value, gives the exact
score of Gaussian data. This F is -v of Salimans & Ho 2022. A network may have another output in place of it, see
:data:`playground.theory.parametrizations.OUTPUTS`, with the same inputs.
"""

from playground.theory.networks.base import ACTIVATIONS as ACTIVATIONS
from playground.theory.networks.base import DATA_STD as DATA_STD
from playground.theory.networks.base import ROWS as ROWS
from playground.theory.networks.base import ScoreNetwork as ScoreNetwork
from playground.theory.networks.energy import Energy as Energy
from playground.theory.networks.mlp import MLP as MLP
from playground.theory.networks.u_net import UNet as UNet
