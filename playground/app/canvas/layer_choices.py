"""Which layers the chips offer, and which of the two fields the particles follow."""

from PySide6.QtCore import QObject, Slot

from playground.app.canvas.chips import ChipBar
from playground.app.canvas.layers import Layers
from playground.app.canvas.legend import KEYS
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.overlay_timing import exact_source
from playground.app.model.views import ProblemView
from playground.app.style.number_formats import format_count

FOLLOWED = "The particles follow this score."
OF_ONE_CLASS = "The particles follow this score, that of class {} with its guidance."
OF_ALL_CLASSES = "These are the arrows of all data. Each particle follows the score of its class."
UNTRAINED = "The network is untrained: these are its random weights."
OF_STEP = "Computed with the weights of training step {}."
FIELD_NAMES = {"exact": "Exact score", "empirical": "Training-set score"}
NO_EXACT_SCORE = "The exact score of these data is not known, so its error cannot be shown."
NO_MODES = "These data have no known modes: two Gaussians, eight Gaussians and the checkerboard have."
NO_CLASSES = "These data have no classes."
NO_TILTED = "Only toys with classes have a tilted density: choose classes in the Data card."
NO_LOG_DENSITY = "The log-density of these data is not known."
NO_SCORE = "Between two sets there is a velocity, but no score and no likelihood."
NO_PATH_DENSITY = "The density along the path is known for independent coupling of two mixtures of Gaussians only."
VELOCITY = "The velocity along which particles move: between two sets there is no score."
NO_DENSITY = "The density of these data is not known, and the training set has none without noise."


class LayerChoices(QObject):
    """Says on the chips which layers can be shown, why the others cannot, and which field the particles follow."""

    def __init__(self, controllers: Controllers, layers: Layers, chips: ChipBar, parent: QObject) -> None:
        super().__init__(parent)
        self._state, self._controllers, self._layers, self._chips = controllers.state, controllers, layers, chips
        self._followed = "learned"  # the score whose field is shown by default
        self._state.changed.connect(self._edited)
        self._state.problem_changed.connect(self._show_problem)
        for changed in (
            controllers.replaying.steps_changed,
            self._state.weights_chosen,
            controllers.training.changed,
            layers.option_changed,
        ):
            changed.connect(self._name_fields)
        self._show_followed()

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if "sampling.source" in keys:
            self._show_followed()
        elif keys & {"sampling.labels", "sampling.label", "sampling.kind"}:
            self._name_fields()

    @Slot()
    def _show_problem(self) -> None:
        if self._state.problem is None:  # an empty plane, to paint on
            self.show_plane_layers(True)
        else:
            self.show_available(self._state.problem)

    def show_available(self, problem: ProblemView) -> None:
        """Set which layers can be shown, and why the others cannot."""
        closed = problem.known_density or (problem.sigma_min > 0 and problem.has_score)
        density = closed or problem.shows_learned_density
        self.show_plane_layers(not problem.is_image)
        if not problem.is_image:
            unknown = NO_DENSITY if problem.has_score else NO_PATH_DENSITY
            self._chips.set_available("exact", closed, unknown)
            self._chips.set_available("density", density, unknown)
            known = problem.known_density and problem.has_score
            self._chips.set_available("error", known, NO_EXACT_SCORE if problem.has_score else NO_SCORE)
            self._chips.chips["particles"].set_choice_available("color", "mode", problem.modes is not None, NO_MODES)
            self._chips.chips["particles"].set_choice_available("color", "log_p", problem.known_density, NO_LOG_DENSITY)
            self._chips.chips["data"].set_choice_available("color", "class", problem.labels is not None, NO_CLASSES)
            has_classes = bool(problem.conditions.known_classes)
            self._chips.chips["density"].set_choice_available("source", "tilted", has_classes, NO_TILTED)
            likelihood = problem.has_process and problem.has_score
            why = "This noise has no process from data to noise." if problem.has_score else NO_SCORE
            self._chips.set_available("path", likelihood, why)
        self._name_fields()

    def show_plane_layers(self, plane: bool) -> None:
        """Set whether the layers of the plane can be shown, which images do not have."""
        for layer in KEYS:
            self._chips.set_available(layer, plane, "Images have no such layer.")

    def _show_followed(self) -> None:
        """Show the field that particles follow and hide the other one, if the followed score changes."""
        source = self._state.experiment.sampling.follows
        if source not in (None, self._followed):
            self._followed = source
            if source != "learned":
                self._layers.set_option("exact", "source", source)
            self._layers.set_visible("learned", source == "learned")
            self._layers.set_visible("exact", source != "learned")
        self._name_fields()

    @Slot()
    def _name_fields(self) -> None:
        """Say on the chips of the two fields which score they show, and which one the particles follow."""
        followed, problem = self._state.experiment.sampling.follows, self._state.problem
        known = exact_source(str(self._layers.options["exact", "source"]), problem)
        velocity = not self._state.experiment.noise.has_score
        for layer, source, title in (
            ("learned", "learned", "Learned velocity" if velocity else "Learned score"),
            ("exact", known, "Exact velocity" if velocity else FIELD_NAMES[known]),
        ):
            # The learned score is followed by default, and its chip has no room for more words.
            told = source == followed and source != "learned"
            notes = [*[VELOCITY][:velocity], *([self._said_of_followed()] if source == followed else [])]
            if layer == "learned" and problem is not None:
                step = self._controllers.replaying.step
                notes += [] if step is None else [OF_STEP.format(format_count(step))]
                notes += [UNTRAINED] if self._controllers.training.untrained else []
            self._chips.chips[layer].name(f"{title} (followed)" if told else title, notes)

    def _said_of_followed(self) -> str:
        """What the chip of the followed score says: its arrows are those of a class if all particles have that class."""
        sampling, problem = self._state.experiment.sampling, self._state.problem
        if problem is None or sampling.labels == "none" or not problem.conditions.classes_of(sampling.follows):
            return FOLLOWED
        return OF_ONE_CLASS.format(sampling.label) if sampling.labels == "one" else OF_ALL_CLASSES
