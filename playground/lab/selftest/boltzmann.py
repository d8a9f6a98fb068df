"""The Boltzmann machine's sums over all states, against closed forms."""

import math

import torch
from torch import Tensor

from playground.lab.audit.deviations import STANDARD_ERRORS, gap, normals, seeded, share_gap, spaced
from playground.lab.audit.stated import claim
from playground.theory.boltzmann import conditional, enumerated, gibbs, log_weight, log_weights, numbers_of, states


@claim("Boltzmann machine", "W = 0: Z = 2^d, up to 16 units", 1e-12)
def no_weights() -> float:
    """Z = 2^d for d from 2 to 16."""
    zero = torch.zeros(16, 16, dtype=torch.float64)
    return max(abs(float(enumerated(zero[:d, :d]).log_partition) - d * math.log(2)) for d in range(2, 17))


@claim("Boltzmann machine", "chain: Z = 2^d prod cosh w, correlation of its ends prod tanh w", 1e-12)
def chain() -> float:
    """The Ising chain with open ends: Z = 2^d prod cosh w_i, E[y_1 y_d] = prod tanh w_i."""
    w = spaced(-0.9, 1.4, 11)
    found = enumerated(torch.diag(w, 1) + torch.diag(w, -1))
    expected = torch.stack([12 * math.log(2) + w.cosh().log().sum(), w.tanh().prod()])
    return gap(torch.stack([found.log_partition, found.correlations[0, -1]]), expected)


@claim("Boltzmann machine", "log Z is a plain sum, and its gradient half the correlations", 1e-12)
def gradient() -> float:
    """Compare log Z and its gradient with a plain sum and autograd."""
    weights = (0.5 * normals(10, 10)).requires_grad_()
    plain = log_weight(weights, states(10)).logsumexp(0)
    (gradient,) = torch.autograd.grad(plain, weights)
    found = enumerated(weights.detach())
    return max(gap(found.correlations / 2, gradient), gap(found.log_partition, plain.detach()))


@claim("Boltzmann machine", "Gibbs: the conditional is the ratio of the joint", 1e-12)
def conditionals() -> float:
    """p(y_i = +1 | the others) is p(+)/(p(+) + p(-)), in which Z cancels."""
    weights = normals(6, 6)
    probabilities = log_weights(weights).softmax(0)
    worst = 0.0
    for unit in range(6):
        up, down = states(6), states(6)
        up[:, unit], down[:, unit] = 1.0, -1.0
        joint: tuple[Tensor, Tensor] = (probabilities[numbers_of(up)], probabilities[numbers_of(down)])
        worst = max(worst, gap(conditional(weights, states(6), unit), joint[0] / (joint[0] + joint[1])))
    return worst


@claim("Boltzmann machine", "Gibbs: shares of the states, in standard errors", STANDARD_ERRORS + 0.5)
def gibbs_errors() -> float:
    """The largest distance of eight states' shares from their probabilities after 20 sweeps, in standard errors."""
    weights, chains = 0.6 * normals(3, 3), 20_000
    probabilities = log_weights(weights).softmax(0)
    *_, last = gibbs(weights, torch.ones(chains, 3, dtype=torch.float64), 20, seeded(1))
    shares = torch.bincount(numbers_of(last), minlength=8) / chains
    return share_gap(shares, probabilities, chains)
