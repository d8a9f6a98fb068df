"""Claims about the closed forms of theory/, measured on the user's own machine.

The tests check more but take longer. These show within seconds whether torch computes the same values on this
machine as on others. Everything runs on the CPU in float64 with its own seeds.
"""

from playground.lab.claims import Claim
from playground.lab.selftest import boltzmann, energies, guidance, likelihood, noise, sampling, scores, training

CLAIMS: tuple[Claim, ...] = (
    *noise.CLAIMS,
    *scores.CLAIMS,
    *sampling.CLAIMS,
    *guidance.CLAIMS,
    *likelihood.CLAIMS,
    *training.CLAIMS,
    *boltzmann.CLAIMS,
    *energies.CLAIMS,
)
