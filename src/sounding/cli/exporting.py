"""The verb that writes a model for programs without PyTorch: export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sounding.cli import words as spoken
from sounding.cli.group import cli, prepare, say, set_option


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="RUN onnx|openvino|torch|int8 [DATA] [KEY=VALUE]...")
@set_option
@click.option("--out", type=Path, help="The folder; RUN/exported/FORMAT by default.")
@click.option("--card", "profile", default="quick", show_default=True, help="Measure it: quick, standard, full, none.")
def export(words: Sequence[str], settings: Sequence[str], out: Path | None, profile: str) -> None:
    """Write a model for programs without PyTorch, compare its answers, and measure it beside the run.

    Where the data of the run moved, DATA is their new place. KEY=VALUE are how it is to answer from then on.
    """
    prepare()
    from sounding import api

    words, options, typed = spoken.settings(words, settings)
    out, profile = typed.pop("out", out), typed.pop("profile", profile)
    run, format, data = spoken.places(words, ("RUN", "FORMAT", "DATA"), 2, "sounding export runs/classify/1 onnx")
    model = api.load(str(run), options=options, data=data)
    made = api.export(model, str(format), out, card=spoken.profile(profile), say=say)
    click.echo("\n".join(made.lines()))
    click.echo(f"{'Next':18} sounding predict {made.model.dir} {model.task.input.asked}")
