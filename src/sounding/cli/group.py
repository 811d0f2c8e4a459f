"""The group of verbs, what they share, and how errors leave: one message, one status."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from sounding.errors import ESCAPED, SoundingError, UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from sounding.card.card import Card
    from sounding.runs.model import Model


ORDER = (
    "demo",
    "check",
    "train",
    "predict",
    "play",
    "match",
    "serve",
    "faces",
    "eval",
    "compare",
    "card",
    "inspect",
    "export",
    "label",
    "teach",
    "doctor",
    "list",
)
"""The verbs in the order of use, as help lists them."""


BACKGROUND = ("use", "method")
"""Sections that a terminal leaves to the page."""
SHORT = {"prediction_sets": "Prediction sets", "energy": "Energy"}
WIDE = 18
NAMED = 3
"""Lines on rows that were left out."""


class Verbs(click.Group):
    """A group that lists its verbs in the order of use, and says what a mistyped one may have been."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The verbs in the order of use."""
        return sorted(self.commands, key=lambda verb: (ORDER.index(verb) if verb in ORDER else len(ORDER), verb))

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        """The verb that was named."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise UsageError(f"no verb {args[0]!r}", fix=did_you_mean(args[0], self.commands))
        return super().resolve_command(context, args)


def main() -> None:
    """Run the command line; every error that a person can mend becomes one message and a non-zero status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)  # a terminal, or a file name, may hold what the other does not
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SoundingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sounding")
@click.pass_context
def cli(context: click.Context) -> None:
    """Deep learning with the measurements attached.

    Train from your own files with one command; every model arrives with a card made of measurements.
    """
    context.obj = load


def load(run: str) -> Model:
    """The model of a run, for the verbs that an application brings along."""
    prepare()
    from sounding import api

    return api.load(run)


def columns_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name columns, for the verbs that read data."""
    for name, help in (
        ("split", "Column of splits; or their sizes, 70/15/15; or a run, whose rows keep theirs."),
        ("group", "Column of what must not be torn apart: patient, speaker, document."),
        ("target", "Column of the answer."),
        ("input", "Column of what the model looks at."),
    ):
        command = click.option(f"--{name}", help=help)(command)
    return command


set_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="How to answer: an option of the application."
)
bad_option = click.option(
    "--allow-bad", type=float, help="Share of bad rows to go on without: 0.01, or one row, if nothing is said; 0: none."
)


def prepare() -> None:
    """Allocator and threads, before anything imports torch."""
    from sounding.machine import setting as machine

    machine.prepare()


def reporter(title: str) -> Any:
    """What shows a training's progress on a terminal."""
    from sounding.training import progress

    return progress.reporter(title)


def say(message: str) -> None:
    """What is done, for a person who waits or looks at a log later: on the error stream, apart from results."""
    click.echo(f"  {message}", err=True)


def summary(model: Model) -> int:
    """At most a dozen lines: each section's finding, where it lies, and what to type next. Returns the status."""
    status = 0
    if (model.dir / "card.json").exists():
        made = model.card()
        status = findings(made, model.dir / "card.html")
    else:
        _without_card(model)
    _left_out(model)
    click.echo(f"{'Next':{WIDE}} sounding predict {model.dir} {model.task.input.asked}")
    return status


def _left_out(model: Model) -> None:
    """The rows that could not be used: how many, and the first of them, with what to do."""
    from sounding.data import Report
    from sounding.data.alike import rejections

    report = Report.from_json(model.run.data)
    if report.rejected:
        lines = list(rejections(report.rejected).lines())
        shown = [*lines[:NAMED], *(["… all are in data.json"] if len(lines) > NAMED else [])]
        click.echo(f"{'Left out':{WIDE}} {len(report.rejected):,} of {report.rows:,} rows, which cannot be used:")
        click.echo("\n".join(f"{'':{WIDE}} {line}" for line in shown))


def _without_card(model: Model) -> None:
    """The headline metric on the test rows, and what came of a control: what is told of a run that has no card."""
    name, estimate = next(iter(model.evaluate().items()))
    click.echo(f"{'Test':{WIDE}} {name} {estimate}, n = {estimate.n:,} ({estimate.interval})")
    verdict = model.training.get("control")
    if verdict:
        kept = "the training with the help is kept" if verdict["better"] else "the control is kept"
        click.echo(f"{'Control':{WIDE}} {verdict['said']} on the validation rows against it: {kept}")


def in_brief(text: str, most: int = 280) -> str:
    """The first sentences, as many as fit in `most` characters but at least one; a mark where the page says more."""
    sentences = re.split(r"(?<=[\w)\]%’][.!]) (?=[A-Z0-9])", text)
    kept = sentences[:1]
    for sentence in sentences[1:]:
        if len(" ".join([*kept, sentence])) > most:
            return " ".join(kept) + " …"
        kept.append(sentence)
    return " ".join(kept)


def findings(card: Card, page: Path) -> int:
    """The finding of each section that was measured, the names of the others, and where the page lies."""
    for section in card:
        if section.status == "ok" and section.id not in BACKGROUND:
            click.echo(f"{SHORT.get(section.id, section.title):{WIDE}} {in_brief(section.sentence)}")
    for section in card.failed:
        click.echo(f"{SHORT.get(section.id, section.title):{WIDE}} {section.reason}")
    failed = {section.id for section in card.failed}
    unmeasured = [section.title.lower() for section in card if section.status != "ok" and section.id not in failed]
    if unmeasured:
        click.echo(f"{'Not measured':{WIDE}} {', '.join(unmeasured)}: the card says why")
    click.echo(f"{'Card':{WIDE}} {page}")
    if card.interrupted:
        click.echo(
            f"Interrupted: sounding card {card.header.model} --{card.header.profile} goes on from here.", err=True
        )
    return card.exit_status
