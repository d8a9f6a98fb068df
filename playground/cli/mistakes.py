"""What a user can get wrong, as one sentence."""

import errno
import sys


class Mistake(Exception):
    """Something asked for on the command line that cannot be done; the message is one sentence."""


# The errors of other rooms that are written for the user. They are looked for only in rooms that are loaded: an error
# can come from no other, and importing data/ or drawing/ here would load torch or Qt. The same goes for typer below.
ERRORS = {
    "playground.lab.experiment": "ExperimentError",
    "playground.lab.session": "SessionError",
    "playground.data": "DataError",
    "playground.theory.samplers": "SamplerDiverged",
    "playground.theory.ode": "TooManySteps",
    "playground.drawing.render": "PictureError",
    "playground.drawing.video": "VideoError",
}


def mistake_of(error: Exception) -> str | None:
    """The sentence for a user's mistake, or None where the program is to blame."""
    known = [getattr(sys.modules[room], name, Mistake) for room, name in ERRORS.items() if room in sys.modules]
    if isinstance(error, (Mistake, *known)):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory: take fewer sampling.particles, sampling.steps or data.points."
    if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
        # Of two names the second is the user's: the first is the temporary file that was to take its place.
        return f"{error.filename2 or error.filename or 'A file'} cannot be read or written: {error.strerror}."
    typer = sys.modules.get("typer")
    if typer is not None and isinstance(error, typer.TyperException):  # unknown options, missing arguments
        return f"{' '.join(error.format_message().split()).rstrip('.')}; see score-playground --help."
    return None
