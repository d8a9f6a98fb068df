"""Class densities: their mixture is the density of all data, at every noise level, and so is the score."""

import pytest
import torch

from playground.kinds.datasets import DataSource, ToyWithClasses
from playground.theory.class_densities import ClassDensities
from playground.theory.densities import GaussianMixture
from tests.generators import seeded

TOYS = {name: kind for name, kind in DataSource.kinds().items() if issubclass(kind, ToyWithClasses)}


def classes_of(name: str) -> ClassDensities:
    kind = TOYS[name]
    density = kind.density(kind.own_noise)
    assert isinstance(density, GaussianMixture)
    return ClassDensities.of(density)


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("sigma", [0.0, 0.3, 4.0])
def test_the_classes_mix_to_the_density_of_all_data(name: str, sigma: float) -> None:
    classes = classes_of(name)
    assert classes.count == len(TOYS[name].parts)
    x = classes.mixture.sample(200, seeded(0)).requires_grad_()
    parts = torch.stack([density.log_prob(x, sigma) for density in classes.densities], dim=1)
    whole = torch.logsumexp(parts + classes.frequencies.log(), dim=1)
    torch.testing.assert_close(whole, classes.mixture.log_prob(x, sigma))
    posterior = classes.log_posterior(x, sigma)
    torch.testing.assert_close(posterior, parts + classes.frequencies.log() - whole[:, None], atol=1e-6, rtol=1e-6)
    # The scores of a class and of all data differ by the gradient of log p(c | x).
    for number in range(classes.count):
        (slope,) = torch.autograd.grad(posterior[:, number].sum(), x, retain_graph=True)
        told = classes.score(x.detach(), sigma, torch.tensor(number)) - classes.score(x.detach(), sigma)
        torch.testing.assert_close(told, slope, atol=1e-6, rtol=1e-6)


def test_each_point_has_the_score_of_its_own_class() -> None:
    classes = classes_of("eight-gaussians")
    x = torch.randn(40, 2, dtype=torch.float64)
    sigma, label = 0.1 + torch.rand(40, dtype=torch.float64), torch.arange(40) % 9
    found = classes.score(x, sigma, label)
    for row, number in enumerate(label.tolist()):
        told = None if number == 8 else torch.tensor(number)  # the number of classes: unknown
        expected = classes.score(x[row : row + 1], sigma[row], told)
        torch.testing.assert_close(found[row : row + 1], expected)


def test_a_mixture_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="no classes"):
        ClassDensities.of(GaussianMixture(torch.zeros(2, 2), torch.ones(2)))
    classes = classes_of("two-moons")
    with pytest.raises(ValueError, match="2 classes need"):
        ClassDensities(classes.mixture, classes.densities, torch.tensor([1.0]))


@pytest.mark.parametrize("name", TOYS)
def test_labels_say_from_which_part_a_point_is(name: str) -> None:
    """With classes the points stay the same, and the labels follow p(c | x)."""
    plain, labelled = (TOYS[name](points=4_000, classes=chosen).load(50) for chosen in ("off", "on"))
    assert (plain.points == labelled.points).all()
    assert (plain.held_out == labelled.held_out).all()
    assert plain.labels is None
    assert labelled.class_names == TOYS[name].parts
    posterior = classes_of(name).log_posterior(torch.from_numpy(labelled.points)).exp()
    told = torch.nn.functional.one_hot(torch.from_numpy(labelled.labels), posterior.shape[1]).double()
    # In each class the labels are as many as the posterior expects, within four standard errors.
    error = (posterior * (1 - posterior)).sum(0).sqrt() + 1e-9
    assert ((told - posterior).sum(0).abs() <= 4 * error + 1e-6).all()
    assert float((told * posterior).sum(1).mean()) == pytest.approx(float(posterior.square().sum(1).mean()), abs=0.01)
