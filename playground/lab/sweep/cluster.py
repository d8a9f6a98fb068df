"""Workers on a cluster, by dask.distributed.

Whoever reaches the port of a scheduler can run code there and on its workers. With TLS both sides show a certificate that
one authority has signed, so plain TCP is refused unless it is asked for by name.
"""

import contextlib
import re
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playground.lab.sweep.executors import AHEAD, Workers
from playground.user_errors import UserError
from playground.version import __version__

PATIENCE = 20.0
"""Seconds to wait for a scheduler, and for its first worker."""
ADDRESS = re.compile(r"(tls|tcp)://[^/\s]+:\d{1,5}")


@contextlib.contextmanager
def cluster(
    address: str,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    insecure_tcp: bool = False,
) -> Iterator[Workers]:
    """The workers of a dask scheduler that runs already, such as one of dask-jobqueue or `dask ssh`.

    Args:
        address: ``tls://HOST:PORT``.
        ca, cert, key: PEM files of the authority, and of this client; by default those of dask's own configuration.
        insecure_tcp: whether ``tcp://HOST:PORT`` is allowed, on which anyone who reaches the port can run code.

    Raises:
        UserError: the address, a certificate or dask is missing or wrong, or the connection was lost.
    """
    check(address, insecure_tcp)
    for name, path in (("ca", ca), ("cert", cert), ("key", key)):
        if path is not None and not path.is_file():
            raise UserError(f"--tls-{name} {path} is no file: give a PEM file.")
    from distributed import Client, KilledWorker
    from distributed.security import Security

    security = None
    if address.startswith("tls:"):
        given = {"tls_ca_file": ca, "tls_client_cert": cert, "tls_client_key": key}
        security = Security(require_encryption=True, **{name: str(path) for name, path in given.items() if path})
        if not (security.tls_ca_file and security.tls_client_cert):
            raise UserError(
                "tls needs certificates: set them in dask's configuration, or give --tls-ca, --tls-cert and --tls-key "
                "on the command line."
            )
    try:
        client = Client(address, security=security, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"No scheduler answers at {address}: {said.rstrip('.')}.") from None
    with contextlib.closing(client), _connected(address):
        yield Workers(_executor(client), AHEAD * _threads(client, address), KilledWorker)


def check(address: str, insecure_tcp: bool = False) -> None:
    """Check the address of a scheduler without connecting to it.

    Raises:
        UserError: it is no address, it is not safe, or dask is missing.
    """
    if ADDRESS.fullmatch(address) is None:
        raise UserError(f"The scheduler {address} is not possible: give tls://HOST:PORT.")
    if address.startswith("tcp:") and not insecure_tcp:
        raise UserError(
            f"The scheduler {address} is refused: anyone who reaches a tcp port can run code there. Use tls, or on the "
            "command line --insecure-tcp on a network that you trust."
        )
    if find_spec("distributed") is None:
        raise UserError("A scheduler needs a package: pip install 'score-playground[cluster]'.")


def _executor(client: Any) -> Executor:
    found: Executor = client.get_executor(pure=False)  # each cell is computed, even if it looks like another
    return found


def _threads(client: Any, address: str) -> int:
    """The threads of all workers, once there is one."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except OSError:
        raise UserError(f"The scheduler at {address} has no workers: start some, then go on.") from None
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    """Say in a sentence why work on the cluster ended."""
    from distributed import CancelledError as Cancelled

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            yield
    except (ImportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "deserialization" not in str(error):
            raise
        raise UserError(
            f"The scheduler or a worker cannot load the program: install score-playground {__version__} there."
        ) from None
    except (Cancelled, CancelledError, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        raise UserError(f"The connection to {address} was lost: run the same command again to go on.") from None
