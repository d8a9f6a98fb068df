"""Seeds faults into a copy of the program, one at a time, and asks the tests to catch each: `make mutants`.

Each fault is one that a reader of the equations makes: a dropped 1/2, a swapped sign, a missing root, a sum over the last
axis only. First the tests must pass without any; then a fault counts as caught only where a test fails with it, not where
the tests cannot be collected. A fault whose text is no longer in the source is an error: give it the new text.

    python tests/mutants.py            all of them
    python tests/mutants.py langevin   those with this word in their name or place
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

ROOT = Path(__file__).parents[1]
COPIED = ("playground", "tests", "resources", "docs/plugins.md", "pyproject.toml")
Item = TypeVar("Item")
Found = TypeVar("Found")
BROKEN = re.compile(r"^(?:NameError|UnboundLocalError|SyntaxError|ImportError|ModuleNotFoundError)")
"""Begins what a test says of a fault that cannot run: that catches nothing."""
MOST_AT_ONCE = 4  # runs of the tests, each on one thread and in 400 MB


@dataclass(frozen=True)
class Fault:
    """One wrong line.

    Attributes:
        name: what is wrong with it.
        place: its file, below playground/.
        right, wrong: the text that stands there, once, and what takes its place.
        tests: files below tests/, or single tests of them, that should notice.
    """

    name: str
    place: str
    right: str
    wrong: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "uniform starts that reach the box's highest corner from the origin",
        "theory/starts.py",
        "self.low + (self.high - self.low) * drawn",
        "self.low + self.high * drawn",
        ("theory/test_starts.py::test_uniform_starts_fill_their_box",),
    ),
    Fault(
        "starts outside the support that are drawn again only once",
        "theory/starts.py",
        "while bool((outside := torch.isneginf(self.log_density(x, sigma))).any()):",
        "if bool((outside := torch.isneginf(self.log_density(x, sigma))).any()):",
        ("theory/test_starts.py",),
    ),
    Fault(
        "moments of a run without the spread of its start",
        "lab/audit/gaussian.py",
        "float(found[1:].square().sum())",
        "float(found[2:].square().sum())",
        ("lab/test_audit.py::test_the_plugins_of_the_page_hold",),
    ),
    Fault(
        "moments of a run with half of each random number",
        "lab/audit/gaussian.py",
        "for part in (z, *numbers)",
        "for part in (z, *(2 * part for part in numbers))",
        ("lab/test_audit.py::test_moments_of_langevin_are_those_of_its_recursion",),
    ),
    Fault(
        "the audit's variance of a process without the 2 of its drift",
        "lab/audit/noise.py",
        "2 * process.rate(t) * process.std(t)",
        "process.rate(t) * process.std(t)",
        ("lab/test_audit.py::test_the_plugins_of_the_page_hold",),
    ),
    Fault(
        "the audit's smoothing twice by the sum of the deviations",
        "lab/audit/datasets.py",
        "math.hypot(first, second)",
        "first + second",
        ("lab/test_audit.py::test_the_plugins_of_the_page_hold",),
    ),
    Fault(
        "the audit's slope of a loss as a sum",
        "lab/audit/objectives.py",
        "(above - below) / (2 * MOVED)",
        "(above + below) / (2 * MOVED)",
        ("lab/test_audit.py::test_the_plugins_of_the_page_hold",),
    ),
    Fault(
        "the components between two sets with a variance that adds standard deviations",
        "theory/start_set.py",
        "(data.stds.square()[:, None] + (sigma[..., None] * start.stds).square())",
        "(data.stds[:, None] + sigma[..., None] * start.stds).square()",
        ("theory/test_start_set.py::test_between_two_gaussians_the_denoised_estimate_is_their_regression",),
    ),
    Fault(
        "the velocity between two sets with start points that do not move with sigma",
        "theory/start_set.py",
        "- (data.means[:, axis, None] + sigma[..., None] * start.means[:, axis])",
        "- (data.means[:, axis, None] + start.means[:, axis] + 0 * sigma[..., None])",
        ("theory/test_start_set.py::test_its_velocity_is_the_conditional_expectation_of_pairs",),
    ),
    Fault(
        "the density of samples by ln k in place of psi(k)",
        "theory/metrics.py",
        "at_k = float(torch.digamma(torch.tensor(float(NEIGHBOURS), dtype=torch.float64)))",
        "at_k = math.log(NEIGHBOURS)",
        ("theory/test_metrics.py::test_the_kl_to_a_cloud_of_samples_is_that_to_its_gaussian",),
    ),
    Fault(
        "pairs of optimal transport that are never renewed",
        "theory/start_set.py",
        "while self.batches * MATCHED * USES < self.drawn:",
        "while not self.batches:",
        ("theory/test_start_set.py::test_new_batches_take_the_place_of_the_oldest",),
    ),
    Fault(
        "a reflow that pairs the ends of its paths with other starts",
        "lab/reflow.py",
        '"heun", generator), begin',
        '"heun", generator), begin.flip(0)',
        ("lab/test_between_sets.py::test_a_reflow_trains_on_pairs_of_its_own_flow",),
    ),
    Fault(
        "the arrows between two sets away from the data",
        "lab/fields.py",
        "return -names.velocity",
        "return names.velocity",
        ("lab/test_between_sets.py::test_its_field_is_the_velocity_of_particles",),
    ),
    Fault(
        "an effective number of modes whose error knows no equal weights",
        "lab/figures/samples_in_modes.py",
        "true * math.sqrt(first + second)",
        "true * math.sqrt(first)",
        (
            "lab/test_evaluation.py::test_error_and_floor_of_the_effective_number_of_modes_are_those_of_a_perfect_sampler",
        ),
    ),
    Fault(
        "a path energy of twice the speed",
        "lab/path_energy.py",
        "v.square().sum(2)).sum(0)",
        "(2 * v).square().sum(2)).sum(0)",
        ("lab/test_path_energy.py::test_the_energy_of_independent_gaussians_is_a_quadrature",),
    ),
    Fault(
        "W2 squared of two sets as that of few points",
        "theory/transport.py",
        "return 2 * whole - (first + second) / 2",
        "return whole",
        (
            "theory/test_optimal_transport.py::test_the_extrapolated_wasserstein_distance_has_little_of_the_excess_of_few_points",
        ),
    ),
    Fault(
        "the mass outside the audit's square left out",
        "lab/audit/datasets.py",
        "1 - sum(outside) - found",
        "1 - found",
        ("lab/test_audit.py::test_heavy_tails_and_a_single_mode_fail_no_claim",),
    ),
    Fault(
        "the audit's cut distances against moments without the cut",
        "lab/audit/datasets.py",
        "square = self.density.variance - float(",
        "square = self.density.variance - 0 * float(",
        ("lab/test_audit.py::test_heavy_tails_and_a_single_mode_fail_no_claim",),
    ),
    Fault(
        "the exact flow of the error budget with twice its drift",
        "lab/error_budget.py",
        "return -sigma.square()[:, None]",
        "return -2 * sigma.square()[:, None]",
        ("lab/test_error_budget.py::test_few_steps_cost_what_euler_makes_of_the_standard_deviation",),
    ),
    Fault(
        "the error budget's noisy data with sigma in place of std",
        "lab/error_budget.py",
        "generator).double() + std * noise",
        "generator).double() + std / scale * noise",
        ("lab/test_error_budget.py::test_the_prior_of_a_contracting_process_is_near_its_noisy_data",),
    ),
    Fault(
        "an error budget of distances that are not squared",
        "lab/error_budget.py",
        "along_directions(own, *pair) ** 2",
        "along_directions(own, *pair)",
        ("lab/test_error_budget.py::test_a_learned_score_of_moved_data_costs_the_square_of_the_shift",),
    ),
    Fault(
        "the score term of a step of the flow without its half",
        "theory/samplers/terms.py",
        "weight = (1 + stochasticity**2) / 2 * h",
        "weight = 1.0 * h",
        (
            "theory/test_step_terms.py::test_drift_score_and_noise_add_to_the_step",
            "theory/test_step_terms.py::test_the_rest_of_a_short_step_of_the_flow_is_of_second_order",
        ),
    ),
    Fault(
        "the drift of a reverse step with its forward sign",
        "theory/samplers/terms.py",
        "StepTerms(-h * state.rate,",
        "StepTerms(h * state.rate,",
        ("theory/test_step_terms.py::test_drift_score_and_noise_add_to_the_step",),
    ),
    Fault(
        "the weight of the score in user units by their length alone",
        "lab/inspection.py",
        "terms.score * units.length**2,",
        "terms.score * units.length,",
        ("lab/test_inspection.py::test_the_score_term_is_its_weight_times_the_score_that_is_shown",),
    ),
    Fault(
        "v with the weights of noise and clean point exchanged",
        "theory/parametrizations.py",
        "v = (noise - level.sigma * denoised) / math.sqrt(1 + level.sigma**2)",
        "v = (level.sigma * noise - denoised) / math.sqrt(1 + level.sigma**2)",
        ("theory/test_parametrizations.py::test_v_of_a_variance_preserving_process_is_that_of_salimans_and_ho",),
    ),
    Fault(
        "the denoised estimate of a contracting process with sigma in place of std",
        "theory/parametrizations.py",
        "denoised = (x + level.std**2 * score) / level.alpha",
        "denoised = (x + level.sigma**2 * score) / level.alpha",
        ("theory/test_parametrizations.py::test_noise_and_denoised_estimate_of_a_gaussian_are_its_regressions",),
    ),
    Fault(
        "the noise of a step as the difference of two noise levels",
        "lab/field_names.py",
        "abs(float(sigmas[frame]) ** 2 - float(sigmas[frame - 1]) ** 2)",
        "abs(float(sigmas[frame]) - float(sigmas[frame - 1])) ** 2",
        ("lab/test_field_names.py::test_noise_of_steps_adds_in_squares_to_all_of_it",),
    ),
    Fault(
        "a score's Jacobian per user unit of one axis",
        "lab/inspection.py",
        "for pair in sides], 2) / units.scale",
        "for pair in sides], 2) / units.length",
        ("lab/test_inspection.py::test_eigenvalues_of_a_field_that_turns_are_a_pair_in_the_units_of_both_axes",),
    ),
    Fault(
        "the blur's cost without the term of the trace",
        "theory/local_geometry.py",
        "torch.log1p(square) - 1 + 1 / (1 + square)",
        "torch.log1p(square)",
        ("theory/test_local_geometry.py::test_smoothing_kl_is_that_of_a_gaussian",),
    ),
    Fault(
        "the radius in place of the diameter",
        "theory/local_geometry.py",
        "float(torch.cdist(outermost, outermost).max())",
        "float(torch.cdist(outermost, outermost).max()) / 2",
        ("theory/test_smoothing.py::test_noise_of_their_diameter_brings_the_farthest_points_near_a_gaussian",),
    ),
    Fault(
        "the width of a kernel density normalized as in one dimension",
        "theory/kernel_density.py",
        "normalizer = self._dim * (math.log(width)",
        "normalizer = (math.log(width)",
        ("theory/test_kernel_density.py::test_the_leave_one_out_likelihood_is_scikit_learns",),
    ),
    Fault(
        "a kernel density of few points whose equal ones predict each other",
        "theory/kernel_density.py",
        "squares.masked_fill_(squares == 0, math.inf)",
        "squares.fill_diagonal_(math.inf)",
        ("theory/test_kernel_density.py::test_a_few_repeated_points_do_not_make_the_width_zero",),
    ),
    Fault(
        "memorized by half of the distance to the second nearest",
        "theory/metrics.py",
        "distances[:, 0] < distances[:, 1] / 3",
        "distances[:, 0] < distances[:, 1] / 2",
        ("theory/test_metrics.py::test_a_new_point_is_memorized_by_chance_with_probability_three_to_minus_dim",),
    ),
    Fault(
        "the loss along sigma without the factor sigma of the score",
        "lab/loss_curve.py",
        "residual = sigma * score(x + sigma * z, x.new_tensor(sigma)) + z",
        "residual = score(x + sigma * z, x.new_tensor(sigma)) + z",
        ("lab/test_loss_curve.py::test_it_is_the_closed_form_for_a_gaussian_score_and_one_for_none",),
    ),
    Fault(
        "few data told by more points than have so low a density",
        "lab/trust.py",
        "if count < FEW else None for count in below",
        "if count > FEW else None for count in below",
        ("lab/test_trust.py::test_few_data_are_told_by_the_density_alone",),
    ),
    Fault(
        "few data told by training points without the noise at which a network is trained",
        "lab/trust.py",
        "some + sigma * noise",
        "some",
        ("lab/test_trust.py::test_training_points_with_noise_are_no_few_data",),
    ),
    Fault(
        "few data told at particles that the process has drawn together",
        "lab/fields.py",
        "problem.units.to_internal(points) / float(problem.process().scale(time))",
        "problem.units.to_internal(points)",
        ("app/test_sampling_worker.py::test_a_readout_tells_where_a_trained_network_saw_few_data",),
    ),
    Fault(
        "floors and losses drawn by the seed of sampling",
        "lab/problem.py",
        'SEED_OF.get(purpose.rstrip("0123456789 "), "data.seed")',
        'SEED_OF.get(purpose.rstrip("0123456789 "), "sampling.seed")',
        ("lab/test_seeds.py::test_a_seed_changes_its_own_and_nothing_else",),
    ),
    Fault(
        "a run drawn by the seed of training",
        "lab/problem.py",
        '("sampling", "labels", "Brownian path"), "sampling.seed")',
        '("sampling", "labels", "Brownian path"), "training.seed")',
        ("lab/test_seeds.py::test_a_seed_changes_its_own_and_nothing_else",),
    ),
    Fault(
        "the errors within the cells summed over the seeds",
        "lab/sweep/table.py",
        "for one in drawn[key + ERROR])) / root",
        "for one in drawn[key + ERROR]))",
        ("lab/test_sweep.py::test_the_columns_of_the_means_have_different_names_and_errors_of_cells_count",),
    ),
    Fault(
        "the standard error over the seeds without the root of their number",
        "lab/sweep/table.py",
        "[statistics.stdev(numbers) / root]",
        "[statistics.stdev(numbers)]",
        ("lab/test_sweep.py::test_the_table_has_means_and_standard_errors_over_the_seeds",),
    ),
    Fault(
        "the held-out loss under other noise than the training loss",
        "lab/early_stopping.py",
        'self._problem.generator("held-out loss")  # new',
        "torch.Generator().manual_seed(len(found))  # new",
        ("lab/test_early_stopping.py::test_both_sets_of_points_have_the_same_noise_at_each_check",),
    ),
    Fault(
        "the intrinsic dimension by the ratio of squared distances",
        "theory/local_geometry.py",
        "(distances[:, 2] / distances[:, 1]).log()",
        "(distances[:, 2] / distances[:, 1]).square().log()",
        ("theory/test_local_geometry.py::test_a_curve_has_one_dimension_and_a_cloud_two",),
    ),
    Fault(
        "exact matching without the 1/2 of |s|^2",
        "theory/objectives.py",
        "(0.5 * s.square().sum(1) + trace)",
        "(s.square().sum(1) + trace)",
        ("theory/test_objectives.py::test_exact_is_half_the_squared_norm_plus_the_trace",),
    ),
    Fault(
        "exact matching with the lecture's sign of the trace",
        "theory/objectives.py",
        "(0.5 * s.square().sum(1) + trace)",
        "(0.5 * s.square().sum(1) - trace)",
        ("theory/test_objectives.py::test_exact_is_half_the_squared_norm_plus_the_trace",),
    ),
    Fault(
        "a trace through which no gradient passes",
        "theory/objectives.py",
        "trace = trace + _gradient(s[:, axis], x).flatten(1)[:, axis]",
        "trace = trace + _gradient(s[:, axis], x).flatten(1)[:, axis].detach()",
        ("theory/test_objectives.py::test_value_and_gradient_are_those_of_whole_jacobians",),
    ),
    Fault(
        "a slice of the trace through which no gradient passes",
        "theory/objectives.py",
        "_inner(v, _gradient(along, x))",
        "_inner(v, _gradient(along, x)).detach()",
        ("theory/test_objectives.py::test_value_and_gradient_are_those_of_whole_jacobians",),
    ),
    Fault(
        "the marginal of a mixture along the first axis whichever is asked for",
        "theory/densities.py",
        "GaussianMixture(self.means[:, axis : axis + 1], self.stds, self.weights)",
        "GaussianMixture(self.means[:, :1], self.stds, self.weights)",
        ("theory/test_densities.py::test_a_marginal_is_the_integral_over_the_other_axis",),
    ),
    Fault(
        "the mass below a place in a soft box without its activate_with_curvature",
        "theory/densities.py",
        "y * torch.special.ndtr(y / self.std) + self.std * torch.exp(-0.5 * ((y / self.std) ** 2 + _LOG_TWO_PI))",
        "y * torch.special.ndtr(y / self.std)",
        ("theory/test_densities.py::test_the_cdf_is_the_integral_of_a_marginal",),
    ),
    Fault(
        "the trace outside the weight",
        "theory/objectives.py",
        "self.weight(sigma) * (0.5 * s.square().sum(1) + trace)",
        "self.weight(sigma) * 0.5 * s.square().sum(1) + trace",
        ("theory/test_objectives.py::test_exact_is_half_the_squared_norm_plus_the_trace",),
    ),
    Fault(
        "inner products over an image's last axis",
        "theory/objectives.py",
        "return (a * b).flatten(1).sum(1)",
        "return (a * b).sum(-1).reshape(len(a), -1)[:, 0]",
        ("theory/test_objectives.py::test_sliced_has_the_mean_of_exact",),
    ),
    Fault(
        "sliced matching along directions of unit length",
        "theory/objectives.py",
        "v.square().mean(1, keepdim=True).sqrt()",
        "v.square().sum(1, keepdim=True).sqrt()",
        ("theory/test_objectives.py::test_sliced_has_the_mean_of_exact",),
    ),
    Fault(
        "denoising towards -z instead of -z/sigma",
        "theory/objectives.py",
        "+ z / level).flatten(1)",
        "+ z).flatten(1)",
        ("theory/test_objectives.py::test_denoising_is_the_distance_to_minus_z_over_sigma",),
    ),
    Fault(
        "the likelihood's weight times the density of ln sigma",
        "theory/objectives.py",
        "_level(sigma).square() / noise.relative_density",
        "_level(sigma).square() * noise.relative_density",
        ("theory/test_objectives.py::test_likelihood_weight_undoes_the_distribution_of_the_levels",),
    ),
    Fault(
        "maximum likelihood with the sign of ln Z turned",
        "theory/objectives.py",
        "(constants - energy.log_density(x, sigma))",
        "(-constants - energy.log_density(x, sigma))",
        ("theory/test_maximum_likelihood.py::test_the_loss_is_minus_the_log_of_the_normalised_density",),
    ),
    Fault(
        "all points of a batch at the level of the first",
        "theory/objectives.py",
        "for one, part in zip(drawn, parts, strict=True)",
        "for one, part in zip(drawn[:1] * len(parts), parts, strict=True)",
        ("theory/test_maximum_likelihood.py::test_a_batch_has_few_levels_with_the_distribution_of_the_noise",),
    ),
    Fault(
        "a cell's side in place of its area",
        "theory/partition.py",
        "+ 2 * math.log(self.spacing)",
        "+ math.log(self.spacing)",
        ("theory/test_maximum_likelihood.py::test_z_of_a_quadratic_energy_is_the_closed_form",),
    ),
    Fault(
        "nodes at the corners of their cells",
        "theory/partition.py",
        "like.new_full((2,), 0.5)",
        "like.new_full((2,), 0.0)",
        ("theory/test_maximum_likelihood.py::test_the_square_holds_the_data_and_their_noise",),
    ),
    Fault(
        "Adam's first moment with its bias (fused)",
        "theory/fused.py",
        "-rate * known / (1 - math.pow(FIRST_DECAY, step))",
        "-rate * known",
        ("theory/test_fused.py::test_denoising_steps_are_those_of_autograd_and_adam",),
    ),
    Fault(
        "an energy's score with its sign turned",
        "theory/networks/energy.py",
        "return gradient * (self.factor(level)",
        "return -gradient * (self.factor(level)",
        ("theory/test_energy.py::test_the_score_is_the_gradient_of_the_log_density",),
    ),
    Fault(
        "phi in the log-density and not in the score",
        "theory/networks/energy.py",
        "return gradient * (self.factor(level) * level",
        "return gradient * (level",
        ("theory/test_energy.py::test_the_score_is_the_gradient_of_the_log_density",),
    ),
    Fault(
        "levels from fine to coarse",
        "theory/noise/levels.py",
        "sigmas[-1] = sigma_min\n    return sigmas",
        "sigmas[-1] = sigma_min\n    return sigmas.flip(0)",
        ("theory/test_noise.py::test_geometric_levels",),
    ),
    Fault(
        "the finest level never drawn",
        "theory/noise/levels.py",
        "(_stratified(count, generator) * len(levels))",
        "(_stratified(count, generator) * (len(levels) - 1))",
        ("lab/test_audit.py::test_every_built_in_kind_has_an_audit",),
    ),
    Fault(
        "a block of steps from fine to coarse, each at its own levels",
        "lab/batches.py",
        "sigma.view(-1, steps).t().flatten()",
        "sigma.flatten()",
        ("lab/test_training.py::test_each_step_of_a_block_sees_every_noise_level",),
    ),
    Fault(
        "std(t) without alpha(t)",
        "theory/noise/process.py",
        "return self.scale(t) * self.sigma(t)",
        "return self.sigma(t)",
        ("lab/test_audit.py::test_every_built_in_kind_has_an_audit",),
    ),
    Fault(
        "VP's sigma^2 as e^B, for 1 - alpha^2 taken as 1",
        "theory/noise/processes.py",
        "return torch.sqrt(torch.expm1(integral))",
        "return torch.sqrt(torch.exp(integral))",
        ("lab/test_audit.py::test_every_built_in_kind_has_an_audit",),
    ),
    Fault(
        "sub-VP with VP's root",
        "theory/noise/processes.py",
        "return 2 * torch.sinh(0.5 * integral)",
        "return torch.sqrt(2 * torch.sinh(0.5 * integral))",
        ("lab/test_audit.py::test_every_built_in_kind_has_an_audit",),
    ),
    Fault(
        "the prior without the data's covariance",
        "theory/noise/process.py",
        "stretch = (1 + variance.variances / sigma**2).sqrt()",
        "stretch = (1 + 0 * variance.variances / sigma**2).sqrt()",
        ("theory/test_noise.py::test_prior_by_principal_axes_is_the_dense_one",),
    ),
    Fault(
        "the prior's log-volume without its stretch",
        "theory/noise/prior.py",
        "log_volume += float(self.stretch.log().sum())",
        "log_volume += 0.0",
        ("theory/test_noise.py::test_prior_by_principal_axes_is_the_dense_one",),
    ),
    Fault(
        "principal axes of the first rows",
        "theory/noise/prior.py",
        "torch.randperm(count, generator=torch.Generator().manual_seed(0))[:MOST_ROWS]",
        "torch.arange(count)[:MOST_ROWS]",
        ("theory/test_noise.py::test_a_random_part_of_many_large_images_is_enough",),
    ),
    Fault(
        "the score of x(t) without 1/alpha",
        "theory/noise/process.py",
        "return score(x / scale, self.sigma(t)) / scale",
        "return score(x / scale, self.sigma(t))",
        ("theory/test_noise.py::test_score_and_probability_flow_of_a_gaussian",),
    ),
    Fault(
        "the ODE with the lecture's g^2 instead of g^2/2",
        "theory/noise/process.py",
        "per_point(0.5 * self.diffusion(t).square(), x)",
        "per_point(self.diffusion(t).square(), x)",
        ("theory/test_noise.py::test_score_and_probability_flow_of_a_gaussian",),
    ),
    Fault(
        "Langevin's noise sqrt(eps) instead of sqrt(2 eps)",
        "theory/samplers/base.py",
        "(2 * step) ** 0.5 * normal(x, generator)",
        "step**0.5 * normal(x, generator)",
        ("theory/test_samplers.py::test_moments_follow_the_closed_recursion",),
    ),
    Fault(
        "Tweedie with sigma instead of sigma^2",
        "theory/samplers/base.py",
        "return x + sigma**2 * score(x, sigma)",
        "return x + sigma * score(x, sigma)",
        ("theory/test_samplers.py::test_moments_follow_the_closed_recursion",),
    ),
    Fault(
        "annealed Langevin's steps in proportion to sigma",
        "theory/samplers/langevin.py",
        "(sigma / sigmas[-1]) ** 2",
        "(sigma / sigmas[-1])",
        ("theory/test_samplers.py::test_moments_follow_the_closed_recursion",),
    ),
    Fault(
        "the corrector asks for the level before (off by one)",
        "theory/samplers/path.py",
        "x.new_tensor(then.sigma)",
        "x.new_tensor(now.sigma)",
        ("theory/test_samplers.py::test_correctors_use_the_noise_level_after_the_step",),
    ),
    Fault(
        "fixed steps end contracted by alpha(t_min)",
        "theory/samplers/path.py",
        "step.in_data_coordinates(then.scale)",
        "step.in_data_coordinates(1.0)",
        ("theory/test_ends_of_runs.py::test_a_run_ends_in_the_smoothed_density",),
    ),
    Fault(
        "the adaptive flow ends contracted by alpha(t_min)",
        "theory/samplers/flow.py",
        "step.in_data_coordinates(end_scale)",
        "step.in_data_coordinates(1.0)",
        ("theory/test_ends_of_runs.py::test_a_run_ends_in_the_smoothed_density",),
    ),
    Fault(
        "what lies behind the end of a run is contracted though its particles are not",
        "theory/samplers/base.py",
        "positions=self.positions / scale, time=None",
        "positions=self.positions / scale",
        ("lab/test_sampling.py::test_the_last_frame_is_drawn_over_its_own_density",),
    ),
    Fault(
        "a corrector's step without a bound",
        "theory/samplers/path.py",
        "torch.minimum(step, 4 * snr**2 * (1 + sigma**2))",
        "1 * step",
        ("theory/test_samplers.py::test_a_corrector_step_is_bounded_where_the_score_vanishes",),
    ),
    Fault(
        "the middle of a Brownian interval without the area that is known",
        "theory/samplers/brownian.py",
        "[1 / 2, 3 / 2, above, 0]",
        "[1 / 2, 0, above, 0]",
        ("theory/test_brownian.py::test_steps_beside_each_other_have_the_law_of_the_path",),
    ),
    Fault(
        "a coarse step's area without the path below its pieces",
        "theory/samplers/brownian.py",
        "[two / (2 * h), one / h, -one / (2 * h), two / h]",
        "[0, one / h, 0, two / h]",
        ("theory/test_brownian.py::test_steps_beside_each_other_have_the_law_of_the_path",),
    ),
    Fault(
        "the reverse SDE with the drift of the ODE",
        "theory/samplers/reverse.py",
        "alpha=pull * h * g**2 / now.scale",
        "alpha=0.5 * pull * h * g**2 / now.scale",
        ("theory/test_samplers_convergence.py::test_order_of_convergence",),
    ),
    Fault(
        "stochastic Heun's second score at the first sigma",
        "theory/samplers/reverse.py",
        "pulled * first, y.new_tensor(sigma_next))",
        "pulled * first, y.new_tensor(sigma))",
        ("theory/test_samplers_convergence.py::test_order_of_convergence",),
    ),
    Fault(
        "a stochasticity that is not squared in the drift",
        "theory/samplers/reverse.py",
        "now.diffusion, (1 + stochasticity**2) / 2",
        "now.diffusion, (1 + stochasticity) / 2",
        ("theory/test_samplers_convergence.py::test_order_of_convergence",),
    ),
    Fault(
        "guidance within its interval at all levels",
        "theory/guidance.py",
        "strength = per_point(self.scale * inside.to(x), x)",
        "strength = self.scale",
        ("theory/test_tilting.py::test_guidance_acts_within_its_interval_alone_and_costs_nothing_outside",),
    ),
    Fault(
        "the weaker score not told the class",
        "theory/guidance.py",
        "self.weaker(x, sigma, *label)",
        "self.weaker(x, sigma)",
        ("theory/test_tilting.py::test_autoguidance_extrapolates_from_the_weaker_score",),
    ),
    Fault(
        "the tilted density with p(c | x)^(1 + w)",
        "theory/tilting.py",
        "found + self.scale * self",
        "found + (1 + self.scale) * self",
        ("theory/test_tilting.py::test_the_tilted_density_is_the_class_times_a_power_of_its_posterior",),
    ),
    Fault(
        "the tilted density's Z without the size of a cell",
        "theory/tilting.py",
        "torch.logsumexp(values, 0) + self._cell.log().sum()",
        "torch.logsumexp(values, 0)",
        ("theory/test_tilting.py::test_its_normalizer_is_the_mean_of_the_posterior_over_the_class",),
    ),
    Fault(
        "the classes' frequencies left out of their posterior",
        "theory/class_densities.py",
        "density.log_prob(x, sigma) + share.log()",
        "density.log_prob(x, sigma) + 0 * share.log()",
        ("theory/test_class_densities.py::test_the_classes_mix_to_the_density_of_all_data",),
    ),
    Fault(
        "targets of a class that are means over all classes",
        "kinds/objectives/denoising.py",
        "return self.of_single_points() if given.classes else self",
        "return self",
        ("lab/test_classes_of_points.py::test_its_targets_do_not_mix_classes",),
    ),
    Fault(
        "a class that starts with the moments of all data",
        "kinds/samplers/from_noise.py",
        "given.prior(one) for one in classes",
        "given.prior() for one in classes",
        ("lab/test_conditioning.py::test_the_flow_to_a_class_starts_with_the_moments_of_that_class",),
    ),
    Fault(
        "guidance that begins at the score of all data",
        "theory/guidance.py",
        "return told + strength * (told - other)",
        "return other + strength * (told - other)",
        ("theory/test_guidance.py::test_guidance_is_the_gradient_of_the_class_and_its_posterior",),
    ),
    Fault(
        "guidance towards all data",
        "theory/guidance.py",
        "told + strength * (told - other)",
        "told - strength * (told - other)",
        ("theory/test_guidance.py::test_guidance_is_the_gradient_of_the_class_and_its_posterior",),
    ),
    Fault(
        "labels by a particle's place among those still on their way",
        "theory/samplers/flow.py",
        "for_rows(score, rows)",
        "for_rows(score, torch.arange(len(rows)))",
        ("theory/test_guidance.py::test_each_particle_keeps_its_class_while_others_finish",),
    ),
    Fault(
        "evaluations of some counted for all",
        "theory/counting.py",
        "self.counts[rows.cpu()] += 1",
        "self.counts += 1",
        ("theory/test_counting.py::test_adaptive_steps_are_counted_per_particle",),
    ),
    Fault(
        "known coordinates merely replaced",
        "theory/guidance.py",
        "wanted = slope + back * (1 + variance) / variance",
        "wanted = slope",
        ("theory/test_guidance.py::test_the_correction_is_the_gradient_of_the_distance_to_the_known_part",),
    ),
    Fault(
        "known coordinates with r^2 = sigma^4",
        "theory/guidance.py",
        "back * (1 + variance) / variance",
        "back * (1 + variance) / variance**2",
        ("theory/test_guidance.py::test_the_correction_is_the_gradient_of_the_distance_to_the_known_part",),
    ),
    Fault(
        "the unknown coordinates pulled, not the known",
        "theory/guidance.py",
        "torch.where(self.mask, self.known - clean, 0.0)",
        "torch.where(self.mask, 0.0, self.known - clean)",
        ("theory/test_guidance.py::test_the_correction_is_the_gradient_of_the_distance_to_the_known_part",),
    ),
    Fault(
        "Metropolis with the proposal's variance eps",
        "theory/samplers/langevin.py",
        "_squares(back) / (4 * step)",
        "_squares(back) / (2 * step)",
        ("theory/test_samplers_mala.py::test_the_stationary_variance_is_right_at_any_step",),
    ),
    Fault(
        "the solver's error averaged over a point's numbers",
        "theory/ode.py",
        "return x.abs().amax(dim=1)",
        "return x.abs().mean(dim=1)",
        ("theory/test_ode.py::test_constant_components_hide_no_error",),
    ),
    Fault(
        "transport at the least distance, not the least squared one",
        "theory/transport.py",
        'compute_mode="donot_use_mm_for_euclid_dist").square()',
        'compute_mode="donot_use_mm_for_euclid_dist")',
        ("theory/test_optimal_transport.py::test_it_is_the_cheapest_matching",),
    ),
    Fault(
        "potentials that are not moved along a path",
        "theory/transport.py",
        "v[columns] -= slack",
        "v[columns] -= 0.0 * slack",
        ("theory/test_optimal_transport.py::test_it_is_the_cheapest_matching",),
    ),
    Fault(
        "Langevin's longest step 1/L, where it mixes best",
        "theory/stability.py",
        "return 2 / curvature if",
        "return 1 / curvature if",
        ("theory/test_stability.py::test_the_chain_is_stable_below_that_step_and_diverges_above",),
    ),
    Fault(
        "a one-sided difference over twice its length",
        "theory/stability.py",
        "score(x - step, level)",
        "score(x, level)",
        ("theory/test_stability.py::test_curvature_of_a_gaussian_is_one_over_its_narrowest_variance",),
    ),
    Fault(
        "a bandwidth by the samples, which may have run away",
        "theory/two_samples.py",
        "scale = median_distance(b) if bandwidth",
        "scale = median_distance(a) if bandwidth",
        ("theory/test_two_samples.py::test_diverged_samples_are_distinguished_from_the_data",),
    ),
    Fault(
        "DPM-Solver++(2M) that extrapolates over a step far longer than the one before",
        "theory/samplers/multistep.py",
        "h <= LONGEST * history[0][1]",
        "h <= 100 * history[0][1]",
        ("theory/test_start_set.py::test_between_gaussians_more_steps_are_nearer",),
    ),
    Fault(
        "UniPC-2 that extrapolates over a step far longer than the one before",
        "theory/samplers/unipc.py",
        "LONGEST * (place - earlier[0][0])",
        "100 * (place - earlier[0][0])",
        ("theory/test_start_set.py::test_between_gaussians_more_steps_are_nearer",),
    ),
    Fault(
        "DDIM with the whole predicted noise beside the fresh one",
        "theory/samplers/ddim.py",
        "math.sqrt(sigma_next**2 - variance) / sigma",
        "sigma_next / sigma",
        ("theory/test_ddim.py::test_ddim_steps_are_those_of_the_paper",),
    ),
    Fault(
        "DDIM with an eta that is not squared in the variance",
        "theory/samplers/ddim.py",
        "(self.eta * sigma_next) ** 2 * (1",
        "self.eta * sigma_next**2 * (1",
        ("theory/test_ddim.py::test_ddim_steps_are_those_of_the_paper",),
    ),
    Fault(
        "DDIM that holds the clean point in the coordinates of the process",
        "theory/samplers/ddim.py",
        "return then.scale * moved",
        "return now.scale * moved",
        ("theory/test_ddim.py::test_one_ddim_step_is_exact_for_one_data_point",),
    ),
    Fault(
        "the score term of DDIM without the scale of its end",
        "theory/samplers/ddim.py",
        "weight = end.scale * now.scale * now.sigma**2",
        "weight = now.scale**2 * now.sigma**2",
        ("theory/test_step_terms.py::test_drift_score_and_noise_add_to_the_step",),
    ),
    Fault(
        "DPM-Solver++(2M) without the step before: first order",
        "theory/samplers/multistep.py",
        "ahead = clean + h / (2 * length) * (clean - before)",
        "ahead = clean",
        ("theory/test_multistep.py::test_steps_are_those_of_the_paper",),
    ),
    Fault(
        "DPM-Solver++(2M) with r upside down",
        "theory/samplers/multistep.py",
        "h / (2 * length)",
        "length / (2 * h)",
        ("theory/test_multistep.py::test_steps_are_those_of_the_paper",),
    ),
    Fault(
        "DPM-Solver++(2M)'s SDE with the noise of half its step",
        "theory/samplers/multistep.py",
        "then.sigma * math.sqrt(-math.expm1(-2 * square * h))",
        "then.sigma * math.sqrt(-math.expm1(-square * h))",
        ("theory/test_multistep.py::test_every_step_is_exact_for_one_data_point",),
    ),
    Fault(
        "an integral with the weights of evenly spaced values at Lobatto's",
        "theory/quadrature.py",
        "step * (a + 5 * (b + c) + d) / 12",
        "step * (a + 3 * (b + c) + d) / 8",
        ("theory/test_ode.py::test_integrals_along_the_solution_are_as_exact_as_the_solution",),
    ),
    Fault(
        "an integral whose error is told by its odd part alone",
        "theory/quadrature.py",
        "torch.maximum((even / size).abs().pow(5 / 3), (odd / size).abs().pow(5 / 4))",
        "(odd / size).abs().pow(5 / 4)",
        ("theory/test_ode.py::test_a_wrong_integral_is_rejected_whether_even_or_odd",),
    ),
    Fault(
        "log p without the volume that the flow's own coordinates take",
        "theory/likelihood.py",
        "trace_term = trace + dim * math.log(stretch / spread)",
        "trace_term = trace",
        ("theory/test_likelihood.py",),
    ),
    Fault(
        "Hutchinson's vectors Gaussian, not of signs",
        "theory/objectives.py",
        "return signs.to(like.dtype).mul_(2).sub_(1)",
        "return gaussian(like, generator)",
        ("theory/test_likelihood.py::test_hutchinson_is_unbiased_and_has_its_known_variance",),
    ),
    Fault(
        "the standard error of one of Hutchinson's vectors, not of their mean",
        "theory/likelihood.py",
        "traces.std(1) / math.sqrt(count)",
        "traces.std(1)",
        ("theory/test_likelihood.py::test_the_standard_error_is_that_of_the_mean_over_the_vectors",),
    ),
    Fault(
        "standard errors told by two vectors alone",
        "theory/likelihood.py",
        "own * error.square() + PRIOR_DEGREES * pooled) / (own + PRIOR_DEGREES)",
        "error.square())",
        ("theory/test_likelihood.py", "lab/test_trust.py"),
    ),
    Fault(
        "the mean of estimated traces judged as loosely as one of them",
        "lab/trust.py",
        "_typical(error, probes) / math.sqrt(len(known))",
        "_typical(error, probes)",
        ("lab/test_trust.py",),
    ),
    Fault(
        "the trace added on the way back",
        "theory/likelihood.py",
        "prior.log_prob(latent) - trace + dim",
        "prior.log_prob(latent) + trace + dim",
        ("theory/test_likelihood.py::test_decoding_gives_the_point_and_its_density_again",),
    ),
    Fault(
        "far points to digits that the rounding of log p swallows",
        "theory/likelihood.py",
        "eps / 2 * y.square()",
        "eps / 2 * 0.0 * y.square()",
        ("theory/test_far_points.py::test_far_points_of_a_network_cost_no_more_than_near_ones",),
    ),
    Fault(
        "bits/dim without halving the K levels on [-1, 1]",
        "theory/likelihood.py",
        "math.log2(grey_levels / 2)",
        "math.log2(grey_levels)",
        ("theory/test_likelihood.py::test_bits_per_dim_of_the_uniform_distribution_are_the_bits_of_its_levels",),
    ),
    Fault(
        "a mixture's normalisation without its 1/2",
        "theory/densities.py",
        "result = result - 0.5 * self.dim * variance.log()[:, 0]",
        "result = result - self.dim * variance.log()[:, 0]",
        ("theory/test_densities.py::test_integrates_to_one",),
    ),
    Fault(
        "c_skip = 1/sqrt(sigma^2 + 1), its square missing",
        "theory/parametrizations.py",
        "return inverse / divisor, inverse * inverse",
        "return inverse / divisor, inverse",
        ("theory/test_networks.py::test_starts_as_the_score_of_a_standard_gaussian",),
    ),
    Fault(
        "Adam's second moment with its bias (fused)",
        "theory/fused.py",
        "known = math.sqrt(1 - math.pow(SECOND_DECAY, step))",
        "known = 1.0",
        ("theory/test_fused.py::test_denoising_steps_are_those_of_autograd_and_adam",),
    ),
    Fault(
        "a predicted velocity taken as the noise minus the noisy point",
        "theory/parametrizations.py",
        "inverse = 1 / (divisor * (1 + divisor))",
        "inverse = 1 / (divisor * divisor)",
        ("theory/test_outputs.py::test_the_score_is_that_of_the_predicted_quantity",),
    ),
    Fault(
        "a bias in the Jacobian's products (fused)",
        "theory/fused_training.py",
        "inputs[:, stop:, 1:] = 0.0",
        "inputs[:, stop:, 1:] = 1.0",
        ("theory/test_fused.py::test_matching_steps_are_those_of_autograd_and_adam",),
    ),
    Fault(
        "silu'' with one of its signs turned (fused)",
        "theory/fused_training.py",
        "torch.sub(h, slope, alpha=2.0, out=a)",
        "torch.sub(h, slope, alpha=-2.0, out=a)",
        ("theory/test_fused.py",),
    ),
    Fault(
        "W2 without the square root",
        "theory/metrics.py",
        "return math.sqrt(total / projections)",
        "return total / projections",
        ("theory/test_metrics.py::test_a_shift_is_known",),
    ),
    Fault(
        "KL(model || data) instead of KL(data || model)",
        "theory/metrics.py",
        "log_p_true.double() - log_p_model.double()",
        "log_p_model.double() - log_p_true.double()",
        ("theory/test_metrics.py::test_kl_between_two_normals",),
    ),
    Fault(
        "a standard error without the square root of N",
        "theory/metrics.py",
        "values.std() / math.sqrt(len(values))",
        "values.std() / len(values)",
        ("theory/test_metrics.py::test_mean_and_its_error",),
    ),
    Fault(
        "the Fisher divergence over an image's last axis",
        "theory/metrics.py",
        "(score(x, level) - truth).square().flatten(1).sum(1)",
        "(score(x, level) - truth).square().sum(-1).reshape(len(x), -1)[:, 0]",
        ("theory/test_metrics.py::test_fisher_divergence_of_scores_that_are_off_by_a_known_amount",),
    ),
    Fault(
        "MMD with each point's pair with itself",
        "theory/two_samples.py",
        "    h.fill_diagonal_(0.0)\n",
        "",
        ("theory/test_two_samples.py::test_values_and_errors_of_shifted_normals",),
    ),
    Fault(
        "the error of a U-statistic with 1/n of its first term",
        "theory/two_samples.py",
        "math.sqrt(4 * v / n",
        "math.sqrt(v / n",
        ("theory/test_two_samples.py::test_values_and_errors_of_shifted_normals",),
    ),
    Fault(
        "a classifier tested on what it learned from",
        "theory/two_samples.py",
        "torch.cat([a[half:], b[half:]])",
        "torch.cat([a[: count - half], b[: count - half]])",
        ("theory/test_two_samples.py::test_a_classifier_cannot_distinguish_clouds_of_one_distribution",),
    ),
    Fault(
        "log p in user units without the Jacobian",
        "data/units.py",
        " - float(np.log(self.scale).sum())",
        "",
        ("lab/test_problem.py::test_density_in_internal_units_is_the_users_with_its_jacobian",),
    ),
    Fault(
        "the moving average's warm-up one step late",
        "theory/fused.py",
        "step / (9.0 + step)",
        "step / (10.0 + step)",
        ("lab/test_weights.py::test_a_step_is_adam_s_and_the_average_warms_up",),
    ),
    Fault(
        "a Boltzmann machine's y'Wy without its half",
        "theory/boltzmann.py",
        "return 0.5 * ((y @ weights) * y).sum(-1)",
        "return ((y @ weights) * y).sum(-1)",
        ("theory/test_boltzmann.py::test_results_are_those_of_the_explicit_sum",),
    ),
    Fault(
        "a Boltzmann machine that climbs away from the data",
        "theory/boltzmann.py",
        "rate * (data - model)",
        "rate * (model - data)",
        ("theory/test_boltzmann.py::test_a_step_raises_the_mean_log_likelihood",),
    ),
    Fault(
        "a Boltzmann machine's step by the longer of Barzilai and Borwein's rates",
        "theory/boltzmann.py",
        "float((moved * turned).sum()) / length if length",
        "float((moved * moved).sum()) / float((moved * turned).sum()) if length",
        ("theory/test_boltzmann.py::test_the_learning_rate_is_one_over_the_curvature_along_the_last_step",),
    ),
    Fault(
        "the correlations without 1/Z",
        "theory/boltzmann.py",
        "torch.cat([across.T, others], 1)]) / total",
        "torch.cat([across.T, others], 1)])",
        ("theory/test_boltzmann.py::test_two_units_by_hand",),
    ),
    Fault(
        "each half of the units weighed by the sums of the other half's states",
        "theory/boltzmann.py",
        "zip((first, second), sums, strict=True)",
        "zip((first, second), sums[::-1], strict=True)",
        ("theory/test_boltzmann.py::test_results_are_those_of_the_explicit_sum",),
    ),
    Fault(
        "Gibbs's conditional with the unit's own weight",
        "theory/boltzmann.py",
        "torch.sigmoid(y @ both - y[:, unit] * both[unit])",
        "torch.sigmoid(y @ both)",
        ("theory/test_boltzmann.py::test_gibbs_sweeps_keep_the_distribution",),
    ),
    Fault(
        "training points as their own neighbours",
        "lab/problem.py",
        "itself_and_other[:, -1]",
        "itself_and_other[:, 0]",
        ("lab/test_trust.py",),
    ),
    Fault(
        "unsaved work that other users may read",
        "lab/store.py",
        "folder.mkdir(mode=0o700, parents=True, exist_ok=True)",
        "folder.mkdir(parents=True, exist_ok=True)",
        ("lab/test_recovery.py::test_nobody_else_may_read_the_work",),
    ),
    Fault(
        "a stored value whose checksum is not compared",
        "lab/checked_file.py",
        'return stated == f"{found:08x}"',
        "return True",
        ("lab/test_store.py", "lab/test_session.py"),
    ),
    Fault(
        "a store that lets go of the most recently used first",
        "lab/bounded_memory.py",
        "sorted(self.items(), key=",
        "sorted(reversed(self.items()), key=",
        ("lab/test_store.py", "app/test_undo_memory.py::test_what_was_used_least_recently_is_evicted_first"),
    ),
    Fault(
        "a training on a full disk that leaves memory, because an older state of it is in the folder",
        "lab/store.py",
        "return _name(key) in self._sizes and key not in self._unwritten",
        "return _name(key) in self._sizes",
        ("lab/test_store.py",),
    ),
    Fault(
        "a run whose key has no seed or steps of its sampler",
        "lab/keys.py",
        "sampling=model.experiment.sampling, likelihood=split",
        "likelihood=split",
        ("lab/test_document.py::test_a_key_has_what_its_value_depends_on_and_nothing_else",),
    ),
    Fault(
        "a training from its start to its end whose key has no learning rate",
        "lab/keys.py",
        "return cls(reduced, _of_sections(",
        "return cls(_only_resets(reduced), _of_sections(",
        ("lab/test_document.py::test_a_key_has_what_its_value_depends_on_and_nothing_else",),
    ),
    Fault(
        "weights that a file has learned which has changed since",
        "lab/problem.py",
        "changed = [name for name, digest in named.items() if now.get(name) != digest]",
        "changed = [name for name, digest in named.items() if False]",
        ("lab/test_document.py::test_a_file_that_changes_on_disk_changes_nothing",),
    ),
    Fault(
        "a stopped training that is kept as if it had ended",
        "lab/compute.py",
        "                yield asked\n",
        "                yield asked\n                store.put(key, asked)\n",
        ("lab/test_document.py",),
    ),
    Fault(
        "a file that may not be renamed taken for one that another process holds",
        "lab/atomic.py",
        "return True if _windows_code(error) == SHARING_VIOLATION else None",
        "return True",
        ("lab/test_atomic.py",),
    ),
    Fault(
        "an open file that is given up at once on Windows",
        "lab/atomic.py",
        "if pause is None or _windows_code(error) not in (ACCESS_DENIED, SHARING_VIOLATION):",
        "if pause is not None or _windows_code(error) not in (ACCESS_DENIED, SHARING_VIOLATION):",
        ("lab/test_atomic.py",),
    ),
    Fault(
        "a formula after a tab",
        "lab/table_cells.py",
        r"""FORMULA = ("=", "+", "-", "@", "\t", "\r")""",
        r"""FORMULA = ("=", "+", "-", "@", "\r")""",
        ("lab/test_table_cells.py",),
    ),
    Fault(
        "a formula after a return",
        "lab/table_cells.py",
        r"""FORMULA = ("=", "+", "-", "@", "\t", "\r")""",
        r"""FORMULA = ("=", "+", "-", "@", "\t")""",
        ("lab/test_table_cells.py",),
    ),
    Fault(
        "a row that is given up, at rest where it was lost",
        "theory/ode.py",
        "self.x1[self.rows[lost]] = self.integrals1[self.rows[lost]] = self.path[:, self.rows[lost]] = torch.nan",
        "self.x1[self.rows[lost]] = self.x[lost]",
        ("theory/test_ode.py",),
    ),
)


def main(words: list[str]) -> int:
    """Print a table of fault, place, seconds and the test that caught it; 1 where one survives or is out of date."""
    faults = [fault for fault in FAULTS if all(word.lower() in f"{fault.name} {fault.place}".lower() for word in words)]
    stale = [fault for fault in faults if not stands(fault)]
    for fault in stale:
        print(f"Out of date, for its text is not once in playground/{fault.place}: {fault.name}")
    if not faults:
        print(f"No fault has all of these words: {' '.join(words)}")
    if stale or not faults:
        return 1
    begun, survivors = time.monotonic(), 0
    workers = min(os.cpu_count() or 1, MOST_AT_ONCE)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            copies.put(copied(Path(folder, str(number))))
        tests = sorted({test for fault in faults for test in fault.tests})
        by_file = [tuple(some) for _, some in groupby(tests, lambda test: test.partition("::")[0])]
        for code, output in pool.map(partial(in_a_copy, copies, run_tests), by_file):
            if code != 0:
                pool.shutdown(cancel_futures=True)
                print(output + "\nThe tests fail without any fault: mend that first.")
                return 1
        print(f"Without any fault the tests pass, in {time.monotonic() - begun:.0f} s", flush=True)
        width = max(len(fault.name) for fault in faults)
        for fault, (caught, seconds) in zip(
            faults, pool.map(partial(in_a_copy, copies, caught_by), faults), strict=True
        ):
            survivors += caught is None
            print(f"{fault.name:{width}}  {fault.place:26}  {seconds:3.0f} s  {caught or 'SURVIVED'}", flush=True)
    print(f"{len(faults) - survivors} of {len(faults)} faults caught in {time.monotonic() - begun:.0f} s")
    return 1 if survivors else 0


def copied(copy: Path) -> Path:
    """A copy of the program and its tests in a folder that is not there yet."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (copy / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def in_a_copy(copies: SimpleQueue[Path], work: Callable[[Path, Item], Found], given: Item) -> Found:
    """What the work makes of it in a copy that no other work has meanwhile."""
    copy = copies.get()
    try:
        return work(copy, given)
    finally:
        copies.put(copy)


def stands(fault: Fault) -> bool:
    """Whether the fault's right text is in the source exactly once."""
    return (ROOT / "playground" / fault.place).read_text(encoding="utf-8").count(fault.right) == 1


def caught_by(copy: Path, fault: Fault) -> tuple[str | None, float]:
    """The first test that fails with the fault in the copy, or None, and the seconds; the copy is as it was afterwards."""
    begun = time.monotonic()
    path = copy / "playground" / fault.place
    source = path.read_text(encoding="utf-8")
    path.write_text(source.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        code, output = run_tests(copy, fault.tests)
    finally:
        path.write_text(source, encoding="utf-8")
    failed = re.search(r"^FAILED tests/(.+?)(?: - (.*))?$", output, re.MULTILINE)
    if code == 0:
        return None, time.monotonic() - begun
    if (
        code != 1 or failed is None or BROKEN.search(failed[2] or "")
    ):  # nothing was collected, or more than a result broke
        raise RuntimeError(f"The tests could not say anything about “{fault.name}”:\n{output}")
    return failed[1], time.monotonic() - begun


def run_tests(copy: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """pytest's exit status and output over files of the copy, or single tests in them, up to the first failure."""
    # No bytecode is kept: a fault as long as the right text, written within one second of it, would pass for unchanged.
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(copy),
        "OMP_NUM_THREADS": "1",
    }
    # Each copy has temporary files of its own: pytest stops where another clears away the folders that it looks through.
    basetemp = copy.with_name(f"{copy.name}-tmp")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        f"--basetemp={basetemp}",
    ]
    done = subprocess.run(
        [*command, *(f"tests/{test}" for test in tests)],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
