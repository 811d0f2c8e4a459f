"""Verbs that use a model, and list what there is: predict, list."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click

from sounding.cli import words as spoken
from sounding.cli.group import cli, prepare, set_option
from sounding.cli.playing import opened_thinker
from sounding.cli.refusals import Refusals
from sounding.cli.reviewing import are_games, judge
from sounding.errors import SoundingError, UsageError, require_one
from sounding.wording import shortened

if TYPE_CHECKING:
    from sounding.exports.runtime import ExportedModel
    from sounding.runs.model import Model


@cli.command()
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUTS... [KEY=VALUE]...")
@set_option
@click.option("--input", "read", metavar="NAME", help="From which language (column): that of the run, or an error.")
@click.option("--target", metavar="NAME", help="Into which language (column): that of the run, or an error.")
@click.option("--out", type=Path, help="Write the answers to a .jsonl or .csv file, or a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--explain", is_flag=True, help="Say which parts of the input carry the answer.")
@click.option("--method", default="occlusion", show_default=True, help="How: occlusion, gradient, shapley …")
@click.option("--precision", default="fp32", show_default=True, help="fp32, bf16, or auto: the faster one here.")
@click.option("--plots", type=Path, metavar="DIR", help="Draw each answer, with its explanation, into this folder.")
def predict(
    run: str,
    inputs: Sequence[str],
    settings: Sequence[str],
    read: str | None,
    target: str | None,
    out: Path | None,
    as_json: bool,
    explain: bool,
    method: str,
    precision: str,
    plots: Path | None,
) -> int:
    """Answer for texts, files, folders, patterns, or - for one input a line.

    Inputs that cannot be read are named, the others answered for; the exit status is then 1. Pictures of faces are
    compared each with each. Games of chess (game.pgn) are judged move by move, by a run or by chess, the engine of the
    package; --out annotated.pgn keeps what is found.
    """
    if are_games(inputs):
        return judge(opened_thinker(run), [*inputs, *settings], out, as_json)
    from sounding.files import shortened_name
    from sounding.runs.direction import require_direction
    from sounding.runs.writing import write_results

    model: Any = _opened(run, precision)
    require_direction(model, read, target)
    inputs, options = spoken.answering(inputs, settings, model.task.Options if model.task.input.written else None)
    model = model.with_options(options)
    lines = [line.rstrip("\n") for name in inputs for line in (sys.stdin if name == "-" else [name]) if line.strip()]
    if out and (explain or plots):
        raise UsageError("answers are either written to a file or explained", fix="Use --json > FILE with --explain")
    require_one({"--out": out, "--json": as_json})
    refused = Refusals()
    if len(lines) == 1 and sys.stdout.isatty() and not (out or as_json or explain or plots) and model.streams(lines[0]):
        return _typed(model, lines[0], refused)
    results = model.stream(lines, refused=refused)
    first = next(results, None)
    if first is None:  # nothing takes the place of former answers
        return refused.status
    results = chain([first], results)
    if out:
        click.echo(f"{write_results(out, results)} answers in {out}")
        return refused.status
    for number, result in enumerate(results, 1):
        why = model.explain(result, method) if explain else None
        beside = {name: model.explain(result, method, of=name) for name in model.task.estimates} if explain else {}
        if result.note:
            click.echo(f"Note: {shortened(result.source, 80)}: {result.note}", err=True)
        score = "" if result.score is None else f"\t{result.score:.3f}"
        facts = result.to_json() | ({} if why is None else {"explanation": why.to_json()})
        facts |= {"estimates": [each.to_json() for each in beside.values()]} if beside else {}
        click.echo(json.dumps(facts) if as_json else f"{result.source}\t{result.label}{score}")
        for line in () if as_json else result.lines:
            click.echo(f"  {line}")
        if why is not None and not as_json:
            click.echo(indent(why.render().text, "  "))
            for name, each in beside.items():
                click.echo(f"  {name} {each.log_likelihood:.4g}\n{indent(each.render().text, '  ')}")
        if plots:
            plots.mkdir(parents=True, exist_ok=True)
            name = "-".join(filter(None, (f"{number:04}", shortened_name(result.name))))
            result.plot(plots / f"{name}.png", None if why is None else why.weights)
    return refused.status


def _opened(run: str, precision: str) -> Model | ExportedModel:
    """The model of a run; or an exported one, for which torch is not imported."""
    from sounding.exports.description import is_exported

    if is_exported(run):
        from sounding.exports import runtime

        if precision != "fp32":
            what = "an exported model computes in the numbers that it was written in"
            raise UsageError(what, where=run, fix="Leave --precision out")
        return runtime.load(run)
    prepare()
    from sounding import api

    return api.load(run, precision=precision)


def _typed(model: Model, text: str, refused: Refusals) -> int:
    """Print the answer to one text while it is written, behind the text. Returns the status."""
    try:
        pieces = model.stream(text)
    except SoundingError as error:
        refused(error)
        return refused.status
    if note := model.task.note(model.task.input.read(text)):
        click.echo(f"Note: {note}", err=True)
    first = next(pieces, "")  # nothing is printed where the options mean nothing
    click.secho(text, bold=True, nl=False)
    for piece in chain([first], pieces):
        click.echo(piece, nl=False)
    click.echo()
    return refused.status


@cli.command(name="list")
def list_() -> None:
    """The applications there are, and the runs in this folder."""
    from sounding import catalog
    from sounding.runs.folder import Run

    for name in catalog.names():
        click.echo(f"{name:12} {catalog.summary(catalog.find(name))}")
    runs = sorted(Path("runs").glob("*/*/config.json")) if Path("runs").is_dir() else []
    for path in runs:
        click.echo(
            f"{path.parent}  {'finished' if Run(path.parent).finished else 'unfinished: --resume ' + str(path.parent)}"
        )
