"""The verbs about faces that need more than a prediction: enroll, verify, identify, forget."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sounding.errors import UsageError
from sounding.wording import counted

_FMR = click.option("--fmr", type=float, help="False match rate, in place of the run's: its option of that name.")


@click.group(short_help="Verify and identify people with a trained model of faces.")
def verbs() -> None:
    """Enroll people in a gallery, verify that two pictures show one person, identify a person.

    The model compares; it does not find faces. A picture with no face in it is compared like any other.
    """


@verbs.command()
@click.argument("gallery", type=Path)
@click.argument("person")
@click.argument("photos", nargs=-1, required=True)
@click.option("--model", "run", required=True, metavar="RUN", help="The run whose embeddings are kept.")
def enroll(gallery: Path, person: str, photos: Sequence[str], run: str) -> None:
    """Add photos of a person to a gallery, a folder that is made where there is none."""
    from sounding.applications.vision.faces import gallery as galleries

    model = _model(run)
    found, weights = _pictures(model, photos), galleries.digest(model.module)
    known = galleries.opened(gallery) if os.path.exists(gallery / galleries.NOTE) else galleries.created(weights)
    galleries.require_same(known, weights, str(gallery))
    kept = galleries.enrolled(known, person, model.task.embed(model.module, found), [_place(p) for p in photos])
    galleries.save(kept, gallery)
    enrolled, people = counted(len(found), "photo"), counted(len(kept.people), "person")
    click.echo(f"{enrolled} of {person} enrolled; {people} in {gallery}")


@verbs.command()
@click.argument("gallery", type=Path)
@click.argument("person")
def forget(gallery: Path, person: str) -> None:
    """Remove a person from a gallery."""
    from sounding.applications.vision.faces import gallery as galleries

    kept = galleries.removed(galleries.opened(gallery), person)
    galleries.save(kept, gallery)
    click.echo(f"{person} removed; {counted(len(kept.people), 'person')} in {gallery}")


@verbs.command()
@click.argument("run")
@click.argument("first")
@click.argument("second")
@_FMR
def verify(run: str, first: str, second: str, fmr: float | None) -> None:
    """Say whether two pictures show the same person, at the run's false match rate or another."""
    from sounding.applications.vision.faces.thresholds import at_rate

    model = _model(run, fmr)
    (result,) = model({"first": first, "second": second})
    a, b = model.task.embed(model.module, _pictures(model, [first, second]))
    at = at_rate(model.module, model.task.options.fmr)
    click.echo(
        f"{result.label}\tcosine {float(a @ b):.3f}, threshold {at.value:.3f} (false match rate {at.rate:.2g} on the "
        f"validation people), probability of one person {result.prediction.scores[1]:.3f}"
    )


@verbs.command()
@click.argument("run")
@click.argument("gallery", type=Path)
@click.argument("probes", nargs=-1, required=True)
@_FMR
def identify(run: str, gallery: Path, probes: Sequence[str], fmr: float | None) -> None:
    """Say who of a gallery each picture shows, or that it is none of them."""
    from sounding.applications.vision.faces import gallery as galleries
    from sounding.applications.vision.faces.thresholds import at_rate

    model = _model(run, fmr)
    known = galleries.opened(gallery)
    galleries.require_same(known, galleries.digest(model.module), str(gallery))
    at = galleries.threshold(model.module, len(known.people), at_rate(model.module, model.task.options.fmr))
    found = galleries.identified(known, model.task.embed(model.module, _pictures(model, probes)), at)
    for probe, match in zip(probes, found, strict=True):
        nearest = "" if match.name else f"; nearest is {match.nearest}"
        click.echo(f"{probe}\t{match.name or 'unknown'}\tscore {match.score:.3f}{nearest}")
    click.echo(
        f"threshold {at.value:.3f}: at most {at.rate:.2g} of strangers would be taken for one of the "
        f"{len(known.people)} enrolled, as far as people like the validation people go",
        err=True,
    )


def _model(run: str, fmr: float | None = None) -> Any:
    """The model of a run, which has to be one of faces with a threshold. Raises UsageError otherwise."""
    from sounding.applications.vision.faces.task import Faces

    model = click.get_current_context().obj(run)
    if not isinstance(model.task, Faces):
        raise UsageError("the run is not of faces", where=run, fix="Name a run of sounding train faces")
    if fmr is not None:
        model = model.with_options({"fmr": fmr})
    if not model.module.calibrated:
        what = "no threshold was set, because the validation rows held no pairs of both kinds"
        raise UsageError(what, where=run, fix="Train with people of whom there are several pictures")
    return model


def _pictures(model: Any, photos: Sequence[str]) -> list[Any]:
    """The photos read. Raises DataError naming the first that is no picture."""
    from sounding.errors import SoundingError

    found = []
    for photo in photos:
        try:
            found.append(model.task.input.read(photo))
        except SoundingError as error:
            raise error.at(photo) from None
    return found


def _place(photo: str) -> str:
    return str(Path(photo).absolute())
