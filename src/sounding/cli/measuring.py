"""Verbs that measure a model, and the machine: eval, compare, card, inspect, doctor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sounding.cli import words as spoken
from sounding.cli.group import bad_option, cli, columns_options, findings, prepare, say, set_option
from sounding.errors import UsageError, require_one

if TYPE_CHECKING:
    from sounding.contract.evidence import Estimate
    from sounding.runs.model import Metrics


@cli.command(name="eval")
@click.argument("words", nargs=-1, required=True, metavar="RUN [DATA] [KEY=VALUE]...")
@set_option
@bad_option
@columns_options
def evaluate(words: Sequence[str], settings: Sequence[str], allow_bad: float | None, **columns: str | None) -> None:
    """Measure a model on DATA, or on the test rows of its training: every metric with its 95 % interval.

    Rows of DATA that the model learnt from are left out; where the data of the training moved, DATA is their new place.
    """
    prepare()
    from sounding import api
    from sounding.evaluation.estimates_in_words import measured

    words, options, typed = spoken.settings(words, settings)
    run, data = spoken.places(words, ("RUN", "DATA"), 1, "sounding eval runs/classify/1 photos/")
    allow_bad, columns = typed.pop("allow_bad", allow_bad), {**columns, **typed}
    model = api.load(str(run), options=options)
    metrics = model.evaluate(data, spoken.columns(columns), allow_bad=allow_bad, say=say)
    click.echo("\n".join(_listed(metrics, measured)))


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="A B [DATA] [KEY=VALUE]...")
@set_option
def compare(words: Sequence[str], settings: Sequence[str]) -> None:
    """How much better run A is than run B on the same rows: paired differences with 95 % intervals."""
    prepare()
    from sounding import api
    from sounding.evaluation.estimates_in_words import change

    words, options = spoken.answering(words, settings)
    a, b, data = spoken.places(words, ("A", "B", "DATA"), 2, "sounding compare runs/classify/1 runs/classify/2")
    one, other = (api.load(str(run), options=options) for run in (a, b))
    click.echo("\n".join(_listed(api.compare(one, other, data), change)))


def _listed(metrics: Metrics, said: Callable[[Estimate], str]) -> Iterator[str]:
    """A line for each metric, and for each that the rows say nothing of why that is."""
    yield from (f"{name:16} {said(estimate)}" for name, estimate in metrics.items())
    yield from (f"{name:16} left out: {why}" for name, why in metrics.left_out.items())


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="RUN [DATA | RUN...] [KEY=VALUE]...")
@set_option
@click.option("--quick", is_flag=True, help="Measure anew: a minute for a small model, else a few minutes.")
@click.option("--standard", is_flag=True, help="Measure anew on more rows: ten minutes or more.")
@click.option("--full", is_flag=True, help="Measure everything; goes on where it was stopped.")
@click.option("--shift", metavar="DATA", help="A second set of the same task, from elsewhere.")
@bad_option
@click.option("--region", default="", help="Where the electricity comes from, for CO2e: SE, FR, DE, US … or world.")
@click.option("--joules", type=float, help="What a meter at the plug read for the training.")
@click.option("--pue", type=float, help="What the data centre draws for each joule of its computers, such as 1.2.")
@click.option("--use", default="", help="What the model is for, and what it is not for.")
@click.option("--licence", default="", help="The model's licence, as an SPDX id.")
@click.option("--out", type=Path, help="Of several runs: write the table to a .txt, .md, .html or .json file.")
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
def card(
    words: Sequence[str],
    settings: Sequence[str],
    quick: bool,
    standard: bool,
    full: bool,
    out: Path | None,
    show: bool,
    **said: Any,
) -> int:
    """The card of a run: what was measured about it. Of several runs: what each is better at, side by side.

    Where the data of a run moved, DATA is their new place.
    """
    prepare()
    from sounding import api
    from sounding.runs.folder import Run

    require_one({"--quick": quick, "--standard": standard, "--full": full})
    profile = "quick" if quick else "standard" if standard else "full" if full else None
    runs, options, typed = spoken.settings(words, settings)
    out, said = typed.pop("out", out), {**said, **typed}
    moved = runs.pop() if len(runs) == 2 and not Run.is_one(runs[1]) and os.path.exists(runs[1]) else None
    if len(runs) > 1:
        if given := [f"--{name}" for name, word in {**said, "open": show}.items() if word]:
            raise UsageError(f"{' and '.join(given)} can be given for one run only", fix="Name one run")
        return _side_by_side(runs, options, profile, out)
    if out is not None:
        raise UsageError("one run's card is written into its folder", fix="Leave --out out, or name more runs")
    (run,) = spoken.places(runs, ("RUN",), 1, "sounding card runs/classify/1")
    model = api.load(str(run), options=options, data=moved)
    saved = model.saved_card
    made = model.card(spoken.profile(profile) if profile else None, say=say, **said)
    status = findings(made, model.dir / "card.html")
    if show:
        click.launch(str(model.dir / "card.html"))
    same = saved is not None and made.header.created == saved.header.created
    return 0 if same else status  # what an earlier command could not measure is not this one's failure


def _side_by_side(runs: Sequence[str], options: dict[str, Any], profile: str | None, out: Path | None) -> int:
    from sounding import api

    table = api.side_by_side([api.load(run, options=options) for run in runs], spoken.profile(profile or "quick"))
    click.echo(table.text(), nl=False)
    if out is not None:
        click.echo(f"Written to {table.save(out)}")
    return 0


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="RUN [KEY=VALUE]...")
@set_option
@click.option("--rows", default=128, show_default=True, help="Training rows to look at the layers with.")
@click.option("--history", is_flag=True, help="Show what --every wrote during the training.")
@click.option("--input", "along", metavar="INPUT", help="Along one input: attention, and the gradient through time.")
@click.option("--out", type=Path, help="Write a picture (.svg, .png, .pdf) or the numbers (.json).")
def inspect(
    words: Sequence[str], settings: Sequence[str], rows: int, history: bool, along: str | None, out: Path | None
) -> None:
    """Layer by layer: activations, gradients, dead units, the size of a step; and a verdict."""
    prepare()
    from sounding import api, inspection

    runs, options, typed = spoken.settings(words, settings)
    rows, along, out = typed.get("rows", rows), typed.get("along", along), typed.get("out", out)
    (run,) = spoken.places(runs, ("RUN",), 1, "sounding inspect runs/classify/1")
    model = api.load(str(run), options=options)
    if along is not None:
        seen: Any = model.read_along(along)
        lines = inspection.reading_table(seen)
    else:
        seen = model.journal() if history else model.inspect(rows)
        lines = [*map(inspection.history_line, seen)] if history else inspection.table(seen)
    click.echo("\n".join(lines))
    if out is not None:
        inspection.save(seen, out)
        click.echo(f"Written to {out}")


@cli.command()
def doctor() -> None:
    """What this machine can do: processor, threads, precision, and whether energy can be measured."""
    prepare()
    from sounding.machine.doctor import report

    click.echo("\n".join(report()))
