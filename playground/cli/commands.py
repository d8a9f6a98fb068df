"""The commands and their options. A command imports its code when it is called, because that loads torch."""

import math
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer

from playground import __version__
from playground.kinds.samplers import Sampler
from playground.kinds.setting import Field, own_fields
from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.experiment import fields
from playground.messages import alternatives
from playground.user_errors import UserError

app = typer.Typer(
    help="See how score-based generative models work. Without a command, open the window; with a FILE, open "
    "it in the window: a session (.spg, or a run's folder), experiment (.toml), lesson (.lesson.md), "
    "points (.csv, .tsv, .npy) or images (a folder, .npz).",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_MOST_DIGITS = 20
"""Of a whole number; a seed has at most 19."""


def _whole(option: str, low: float = -math.inf, high: float = math.inf) -> Callable[[str], int]:
    """Return a parser of whole numbers for an option; 1e4 is one too, as for --set."""

    def parse(text: str) -> int:
        with suppress(ArithmeticError):  # it is no number, or not finite
            number = Decimal(text)
            small = number.adjusted() <= _MOST_DIGITS  # int() of 1e9999999 would take minutes
            if number.is_finite() and small and low <= number <= high and number == int(number):
                return int(number)
        bounds = "" if math.isinf(high) else f" from {low} to {high}"
        raise UserError(f"{option} {text} is not possible: it must be a whole number{bounds}.")

    return parse


def _file(*suffixes: str, option: str = "--out") -> Callable[[Path | None], Path | None]:
    """Return a check that refuses a file that could not be written, before any work is done."""

    def check(path: Path | None) -> Path | None:
        if path is None:
            return None
        if path.suffix.lower() not in suffixes:
            raise UserError(f"{option} {path} must end in {' or '.join(suffixes)}.")
        if path.is_dir():
            raise UserError(f"{option} {path} is a folder: give the name of a file.")
        if not path.parent.is_dir():
            raise UserError(f"{option} {path} cannot be written: the folder {path.parent} does not exist.")
        _try_writing(path.parent, path)
        return path

    return check


_picture = _file(".png", ".svg", ".pdf", option="--picture")


def _folder(path: Path) -> Path:
    """Refuse a folder that could not be made or written."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--out {path} is a file: give the name of a folder.")
    above = path
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise UserError(f"--out {path} cannot be made: {above} is a file.")
    _try_writing(above, path)
    return path


def _try_writing(folder: Path, out: Path) -> None:
    """Check that a folder can be written by creating a file. Permissions are not enough: root has them in /proc too."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(
            f"--out {out} cannot be written: the folder {folder} takes no files ({error.strerror})."
        ) from None


Model = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Folder written by run, or a session of the window (.spg).", show_default=False),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(  # a narrow terminal would break a longer metavar
        "--set", metavar="key=value", help="Change a setting, as in sampling.steps=100; may be repeated."
    ),
]


def _seed(of: str) -> Any:
    return typer.Option("--seed", metavar="N", parser=_whole("--seed"), help=f"Seed of {of}.")


Seed = Annotated[int | None, _seed("every random draw: those of data, training and sampling")]
SampleSeed = Annotated[int | None, _seed("the start and the noise of the sampler")]
MachineSeed = Annotated[int | None, _seed("every random draw")]
ProbeSeed = Annotated[int | None, _seed("the random trace probes")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run in the folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON, and nothing else on standard output.")]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"score-playground {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugin",
            metavar="FILE.py",
            help="Before a command or FILE: run this file, which adds kinds; may be repeated.",
        ),
    ] = None,
    no_plugins: Annotated[
        bool,
        typer.Option("--no-plugins", help="Before a command or FILE: load none of the list in Tools > Plug-ins."),
    ] = False,
) -> None:
    if plugin or no_plugins:  # those at the beginning are read by now
        raise UserError("--plugin and --no-plugins come first: score-playground --plugin FILE.py, then the command.")


def _choices(pattern: str, known: Mapping[str, Field]) -> str:
    """The choices of the settings that match a pattern, one paragraph a setting; a plug-in's kinds are loaded before."""
    choices = [(key, field.choices) for key, field in known.items() if field.choices and fnmatch(key, pattern)]
    return "Choices for --set:\n\n" + "\n\n".join(f"{key}: {', '.join(names)}" for key, names in choices)


ALL_KINDS, SAMPLERS = _choices("*.kind", fields()), _choices("sampling.kind", fields())
LIKELIHOODS, MACHINE = _choices("likelihood.*", fields()), _choices("*", own_fields(Boltzmann))


@app.command(epilog=ALL_KINDS)
def run(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", callback=_folder, help="Folder for all results; created if it is missing."
        ),
    ],
    experiment: Annotated[
        Path | None,
        typer.Argument(
            metavar="EXPERIMENT.toml", help="The settings; without it the defaults, which train on two moons."
        ),
    ] = None,
    settings: Settings = None,
    seed: Seed = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    web: Annotated[
        bool, typer.Option("--web", help="Write the run as a web page too, which plays in any browser: run.html.")
    ] = False,
) -> None:
    """Train, sample and evaluate an experiment, and write everything into a folder."""
    from playground.cli.running import run_experiment
    from playground.cli.settings import read_experiment

    run_experiment(read_experiment(experiment, settings or [], seed), out, device, overwrite, web)


@app.command(epilog=ALL_KINDS)
def script(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="An experiment (.toml), a session (.spg) or the folder of a run.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="PATH",
            help="The script: .py, or .ipynb for a notebook; if stand-alone, a new folder or a .zip.",
        ),
    ],
    standalone: Annotated[
        bool,
        typer.Option(
            "--standalone",
            help="A folder that trains and samples without this program, on the CPU: a script, a notebook and the "
            "files that they import. It needs torch and numpy.",
        ),
    ] = False,
    settings: Settings = None,
) -> None:
    """Write a Python script or notebook that trains and samples this experiment, as short as possible or stand-alone."""
    suffix = out.suffix.lower()
    if standalone and suffix in (".py", ".ipynb"):
        raise UserError(f"--out {out} is one file, and a stand-alone script has several: give a folder, or a .zip.")
    if not standalone:
        _file(".py", ".ipynb")(out)
    elif suffix == ".zip":
        _file(".zip")(out)
    else:
        _folder(out)
    from playground.cli.results import write_script

    write_script(source, out, standalone, settings or [])


@app.command()
def sweep(
    source: Annotated[
        Path, typer.Argument(metavar="SWEEP.toml", help="A base experiment, axes of settings, and seeds.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for all cells; one that is half done is gone on with.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            parser=_whole("--workers", 1, 1024),
            help="Processes at once; by default one a core.",
        ),
    ] = None,
    cell: Annotated[
        int | None,
        typer.Option("--cell", metavar="N", parser=_whole("--cell"), help="Compute this cell alone, as a job does."),
    ] = None,
    slurm: Annotated[
        Path | None,
        typer.Option("--slurm", metavar="FILE", help="Compute nothing: write a job array of Slurm for sbatch."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="ADDRESS", help="Compute on the workers of a dask scheduler: tls://HOST:PORT."
        ),
    ] = None,
    tls_ca: Annotated[
        Path | None, typer.Option("--tls-ca", metavar="FILE.pem", help="Certificate of the cluster's authority.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE.pem", help="Certificate to show to the scheduler.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE.pem", help="Its private key.")] = None,
    insecure_tcp: Annotated[
        bool,
        typer.Option("--insecure-tcp", help="Allow tcp://HOST:PORT, where anyone who reaches the port can run code."),
    ] = False,
    device: Device = "auto",
) -> None:
    """Train, sample and measure an experiment over axes of settings and seeds; finished cells are never computed again."""
    places = {"--workers": workers, "--cell": cell, "--slurm": slurm, "--scheduler": scheduler}
    given = [name for name, value in places.items() if value is not None]
    if len(given) > 1:
        raise UserError(f"{given[0]} and {given[1]} exclude each other: give one of them.")
    from playground.cli import sweep as sweeps

    if cell is not None:
        done = sweeps.compute_cell(source, out, cell, device)
    elif slurm is not None:
        done = sweeps.write_job_array(source, out, slurm, device)
    elif scheduler is not None:
        from playground.lab.sweep.cluster import cluster

        place = cluster(scheduler, tls_ca, tls_cert, tls_key, insecure_tcp)
        done = sweeps.run_sweep(source, out, place, device)
    else:
        done = sweeps.run_sweep(source, out, sweeps.on_this_machine(workers), device)
    if not done:
        raise typer.Exit(1)


@app.command(epilog=SAMPLERS)
def sample(
    folder: Model,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            callback=_file(".npz", ".csv"),
            help="The final points, or with --frames every frame: .csv or .npz.",
        ),
    ],
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            metavar="NAME",
            help=alternatives([*Sampler.kinds()]) + ".",
        ),
    ] = None,
    particles: Annotated[
        int | None,
        typer.Option("--particles", metavar="N", parser=_whole("--particles"), help="Number of particles."),
    ] = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="Write every frame of the trajectory, not only the final points.")
    ] = False,
    settings: Settings = None,
    seed: SampleSeed = None,
    device: Device = "auto",
) -> None:
    """Sample from a trained model, by any sampler that fits its noise."""
    from playground.cli.results import write_samples

    changes = [*(settings or [])]
    if sampler is not None:
        changes.append(f"sampling.kind={sampler}")
    if particles is not None:
        changes.append(f"sampling.particles={particles}")
    write_samples(folder, changes, seed, device, out, frames)


@app.command(epilog=LIKELIHOODS)
def likelihood(
    folder: Model,
    points: Annotated[Path, typer.Option("--points", metavar="FILE.csv", help="Points to evaluate: CSV, TSV or NPY.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE.csv",
            callback=_file(".csv"),
            help="The points with columns log_prob, standard_error, evaluations and note, a warning about the value. "
            "An energy without a flow writes log_prob, log_partition_error and note.",
        ),
    ],
    latent: Annotated[
        bool, typer.Option("--latent", help="Add the latent codes of the points, columns z0, z1, ..., for decode.")
    ] = False,
    settings: Settings = None,
    seed: ProbeSeed = None,
    device: Device = "auto",
) -> None:
    """Log-likelihood of points under a trained model, in nats per the points' own units."""
    _keep(points, out, "--points")
    from playground.cli.likelihoods import write_likelihoods

    write_likelihoods(folder, points, settings or [], seed, device, out, latent)


@app.command(epilog=LIKELIHOODS)
def decode(
    folder: Model,
    latent: Annotated[
        Path, typer.Option("--latent", metavar="FILE.csv", help="Latent codes, in columns z0, z1, ... among others.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE.csv",
            callback=_file(".csv"),
            help="The decoded points, with columns log_prob, standard_error and note.",
        ),
    ],
    settings: Settings = None,
    seed: ProbeSeed = None,
    device: Device = "auto",
) -> None:
    """Decode latent codes to points by the probability flow of a trained model."""
    _keep(latent, out, "--latent")
    from playground.cli.likelihoods import write_decoded

    write_decoded(folder, latent, settings or [], seed, device, out)


@app.command(epilog=LIKELIHOODS)
def interpolate(
    folder: Model,
    points: Annotated[Path, typer.Option("--points", metavar="FILE.csv", help="Two points: CSV, TSV or NPY.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE.csv",
            callback=_file(".csv"),
            help="Points from the first to the second, with u, log_prob, standard_error and note.",
        ),
    ],
    count: Annotated[
        int,
        typer.Option(
            "--count", metavar="N", parser=_whole("--count", 2, 100_000), help="Number of points, both ends included."
        ),
    ] = 33,
    settings: Settings = None,
    seed: ProbeSeed = None,
    device: Device = "auto",
) -> None:
    """Interpolate between two points through the latent codes of a trained model."""
    _keep(points, out, "--points")
    from playground.cli.likelihoods import write_interpolation

    write_interpolation(folder, points, settings or [], seed, device, out, count)


@app.command()
def video(
    folder: Model,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            callback=_file(".mp4", ".webm", ".gif", ".html"),
            help="Ends in .mp4, .webm or .gif, or in .html for a web page.",
        ),
    ],
    size: Annotated[
        str,
        typer.Option(
            "--size", metavar="WxH", help="Width and height in pixels; by default 960x720, or 360x270 for a GIF."
        ),
    ] = "",
    fps: Annotated[
        int | None,
        typer.Option(
            "--fps",
            metavar="N",
            parser=_whole("--fps", 1, 120),
            help="Frames per second; by default 30, or 10 for a GIF.",
        ),
    ] = None,
    training: Annotated[
        bool,
        typer.Option(
            "--training", help="Show how the network learned: the end of the run, by one training step after another."
        ),
    ] = False,
) -> None:
    """Paint the sampled trajectory of a run, or of a session, as a video, or write it as a web page that plays alone."""
    gif = out.suffix.lower() == ".gif"
    # A GIF does not code motion: at the size and frame rate of a video it is too large to mail.
    size, fps = size or ("360x270" if gif else "960x720"), fps if fps is not None else 10 if gif else 30
    width, height = _size(size, even=not gif)
    from playground.cli.results import write_video

    write_video(folder, out, (width, height), fps, training)


@app.command()
def scenes(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCENE]...",
            help="Names of scenes, or files (.lesson.md, or .toml of earlier versions).",
            show_default="all bundled ones",
        ),
    ] = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Measure the claims of scenes: exit code 1 if a claim does not hold."""
    from playground.cli.lessons import check_lessons

    if not check_lessons(names or [], "scenes", device, json):
        raise typer.Exit(1)


lesson = typer.Typer()
app.add_typer(lesson, name="lesson")


@lesson.callback(invoke_without_command=True)
def _lesson(context: typer.Context) -> None:
    """Write and check lessons, and put a class's answers into one table."""
    if context.invoked_subcommand is None:
        raise UserError(
            "lesson needs check, new, page or report after it, as in score-playground lesson check: see score-playground lesson --help."
        )


@lesson.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LESSON]...", help="Names of lessons, or files (.lesson.md).", show_default="all bundled ones"
        ),
    ] = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Measure what each step asks for: exit code 1 if a question has no answer among its choices, or an undecided one.

    An answer is undecided if a bound lies within two standard errors of what is measured. On a scale, two errors on both sides
    must be less than the scale.
    """
    from playground.cli.lessons import check_lessons

    if not check_lessons(names or [], "lessons", device, json):
        raise typer.Exit(1)


@lesson.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The lesson to write (.lesson.md).")],
    experiment: Annotated[
        Path | None,
        typer.Option("--experiment", metavar="FILE", help="What its step shows (.toml).", show_default="the defaults"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Write a lesson of one step to begin with, which can be checked and taught as it is."""
    from playground.cli.lessons import write_lesson

    write_lesson(file, experiment, overwrite)


@lesson.command()
def page(
    name: Annotated[str, typer.Argument(metavar="LESSON", help="Name of a lesson, or a file (.lesson.md).")],
    step: Annotated[int, typer.Argument(metavar="STEP", help="The number of a step that asks something.", min=1)],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", callback=_file(".html"), help="The web page (.html).")],
    device: Device = "auto",
) -> None:
    """Measure a step of a lesson and write it as a web page, whose reader predicts before the run plays."""
    from playground.cli.lessons import write_page

    write_page(name, step, out, device)


@lesson.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of the files that students have saved (.csv).")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", callback=_file(".csv"), help="The table of the class (.csv).")
    ],
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="FILE",
            callback=_picture,
            help="Its picture (.png, .svg or .pdf).",
            show_default="a PNG beside the table",
        ),
    ] = None,
) -> None:
    """Print the predictions of a class, and write its answers as one table and one picture."""
    from playground.cli.lessons import report_answers

    report_answers(folder, out, picture)


@app.command()
def selftest(json: Json = False) -> None:
    """Check the theory against its closed forms on this machine, in under 20 s: exit code 1 if a claim fails."""
    from playground.cli.audit import print_audit
    from playground.drawing.selftest import selftest

    if not print_audit(selftest(), json):
        raise typer.Exit(1)


@app.command(epilog=ALL_KINDS)
def audit(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The kind: vp, reverse-sde, a plug-in's, or noise.custom with its section."
        ),
    ],
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            callback=_file(".csv", ".json"),
            help="The table: .csv or .json.",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="FILE", callback=_picture, help="The charts: .png, .svg or .pdf.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check a kind against closed forms on this machine, in under 30 s: exit code 1 if a claim fails."""
    from playground.cli.audit import print_audit
    from playground.cli.settings import with_settings
    from playground.lab.audit import audit, experiment_of, kind_named

    kind = kind_named(name)
    made = audit(with_settings(experiment_of(kind), settings or [], None), kind.section)
    if not print_audit(made, json, out, picture):
        raise typer.Exit(1)


@app.command()
def doctor(
    window: Annotated[bool, typer.Option("--window", help="Also open the window and run an end-to-end check.")] = False,
    json: Json = False,
) -> None:
    """Check whether this machine meets the program's requirements, one by one: exit code 1 if one fails."""
    from playground.cli.doctor import print_doctor

    if not print_doctor(window, json):
        raise typer.Exit(1)


@app.command(epilog=MACHINE)
def boltzmann(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", callback=_folder, help="Folder for all results; created if it is missing."
        ),
    ],
    settings_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="SETTINGS.toml",
            help="The machine's settings; without any, 3 x 3 bars and stripes.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="key=value", help="Change a setting; may be repeated."),
    ] = None,
    seed: MachineSeed = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a Boltzmann machine by summing over all its states, and measure what its Z costs."""
    from playground.cli.boltzmann import read_settings, run_boltzmann

    run_boltzmann(read_settings(settings_file, settings or [], seed), out, overwrite)


def _size(text: str, even: bool) -> tuple[int, int]:
    """Width and height in pixels from a text such as "960x720".

    Raises:
        UserError: the text has another form, or the size is too small to see or too large to encode.
    """
    found = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text.strip(), re.ASCII | re.IGNORECASE)
    if found is None:
        raise UserError(f"--size {text} is not possible: it must read like 1280x720.")
    width, height = int(found[1]), int(found[2])
    if not (64 <= width <= 7680 and 64 <= height <= 4320):
        raise UserError(f"--size {text} is not possible: it must lie between 64x64 and 7680x4320.")
    if even and (width % 2 or height % 2):
        raise UserError(
            f"--size {text} is not possible: video needs even numbers, as in {width + width % 2}x{height + height % 2}."
        )
    return width, height


def _keep(given: Path, out: Path, option: str) -> None:
    """Refuse an output file that is the input file of another option."""
    if given.exists() and out.exists() and given.samefile(out):
        raise UserError(f"--out {out} is the file of {option}, which would be lost: give another name.")
