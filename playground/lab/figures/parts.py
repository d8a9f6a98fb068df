"""The parts in which figures are measured. Each has its own draws, which do not depend on what else is measured."""

from collections.abc import Mapping

from playground.lab.figures.spec import Part

PARTS: Mapping[str, Part] = {
    "Sampling": Part("run"),
    "Final loss": Part("training", others=dict.fromkeys(("final_loss", "held_out_loss"), "number")),
    "Likelihoods": Part(
        "likelihood",
        "test-set",
        others={
            "test_points": "number",
            "round_trip_log_prob_error": "number",
            "round_trip_points": "number",
            "likelihood_nfe_mean": "number",
            "density": "text",
            "energy_note": "message",
        },
    ),
    "Distances": Part("run", "quality", others={"nearest_neighbour_rows": "rows"}),
    "Score errors": Part(others={"score_sigmas": "levels", "score_reference": "text"}),
    "Error budget": Part("sampling", "budget", others={"budget_points": "counts"}),
    "Path energy": Part(
        "sampling",
        "paths",
        others={
            "sets_wasserstein2_squared": "number",
            "one_step_wasserstein2_squared": "number",
            "many_steps_wasserstein2_squared": "number",
            "path_floor_wasserstein2_squared": "number",
            "path_points": "counts",
        },
    ),
    "Integral": Part("likelihood", "test-set", on_request=True),
    "Score along sigma": Part("", "fisher", on_request=True, like="Score errors"),
}
"""By name, in the order in which a run measures them."""
