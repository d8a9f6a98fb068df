"""Claims on the command line: one table, and one form of JSON."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from playground.cli.reporting import say
from playground.cli.stopping import if_stopped
from playground.lab.claims import Claim, as_json, how_many_hold

WIDEST = 90  # characters of a claim that the next columns stand beside


def print_claims(
    asked: Sequence[Claim],
    found: Iterable[Claim],
    json: bool = False,
    title: str = "",
    left: Callable[[int], str] | None = None,
) -> list[Claim]:
    """Print each claim as soon as it is measured, and at the end how many hold.

    Args:
        asked: the claims before they are measured, from which the table has its width.
        found: yields each of them once it is measured.
        json: print all of them as JSON when they are measured, and nothing else.
        title: the first line of the table.
        left: returns what the command says if it is stopped after so many claims.

    Returns:
        The measured claims.
    """
    start, claims, source = time.monotonic(), list[Claim](), ""
    wide = min(max((len(claim.what) for claim in asked), default=0), WIDEST) + 2
    if not json:
        say((f"{title}\n" if title else "") + f"{'claim':<{wide}}  {'measured':>12}  bound")
    with if_stopped(lambda: (left or partial(_unfinished, len(asked)))(len(claims))):
        for claim in found:
            claims.append(claim)
            if json:
                continue
            if claim.source != source:
                source = claim.source
                say(source)
            _say(claim, wide)
    if json:
        from playground.cli.results import as_text  # which loads torch

        say(as_text(as_json(claims)))
    else:
        warned = sum(claim.verdict == "warning" for claim in claims)
        better = f"; {warned} could be better" if warned else ""
        say(f"{how_many_hold(claims)}{better}, in {time.monotonic() - start:.1f} s.")
    return claims


def _say(claim: Claim, wide: int) -> None:
    first, then = claim.measured_text, claim.bound_text + ("" if claim.holds else "  FAILED")
    if claim.words:
        first, then = claim.verdict, claim.words
    say(f"{'  ' + claim.what:<{wide}}  {first:>12}  {then}".rstrip())
    if claim.advice:
        say(f"{'':<{wide}}  {'':>12}  {claim.advice}")


def _unfinished(total: int, done: int) -> str:
    return f"{done} of {total} claims are measured. No file is written, and the same command begins anew."
