"""The command line: verbs, and nothing that the Python door cannot do.

Nothing heavy is imported before a verb runs, so that help comes at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sounding import words as spoken
from sounding.errors import SoundingError, UsageError, did_you_mean

if TYPE_CHECKING:
    from sounding.card.card import Card
    from sounding.model import Model


class Verbs(click.Group):
    """A group that lists its verbs in the order of use, and says what a mistyped one may have been."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The verbs as they were written down."""
        return list(self.commands)

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        """The verb that was named."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise UsageError(f"no verb {args[0]!r}", fix=did_you_mean(args[0], self.commands))
        return super().resolve_command(context, args)


def main() -> None:
    """Run the command line; every error that a person can mend becomes one message and a non-zero status."""
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
def cli() -> None:
    """Deep learning with the measurements attached.

    Train from your own files with one command; every model arrives with a card made of measurements.
    """


def columns_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name columns, for the verbs that read data."""
    for name, help in (
        ("split", "Column that says train, validation or test."),
        ("group", "Column of what must not be torn apart: patient, speaker, document."),
        ("target", "Column of the answer."),
        ("input", "Column of what the model looks at."),
    ):
        command = click.option(f"--{name}", help=help)(command)
    return command


bad_option = click.option("--allow-bad", default=0.0, show_default=True, help="Share of bad rows to go on without.")


@cli.command()
@click.option("--out", type=Path, help="Run folder; runs/classify/<n> by default.")
@click.option("--seed", default=0, show_default=True)
def demo(out: Path | None, seed: int) -> None:
    """Train on embedded real data, measure, and write the card, in well under a minute."""
    _prepare()
    from sounding import api

    digits = Path(__file__).parent / "data" / "digits.parquet"
    click.echo("1,797 real handwritten digits (UCI optical digits, CC BY 4.0), classified by a small convolutional net")
    watch = _watch("digits")
    numbers: dict[str, Any] = {"validations": 10, "lr": 4e-3, "average": 0.995}  # for a training of a few hundred steps
    model = api.train("classify", digits, size="tiny", seed=seed, out=out, watch=watch, say=_say, **numbers)
    _summary(model)


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="[TASK] DATA")
@bad_option
@columns_options
def check(words: Sequence[str], allow_bad: float, **columns: str | None) -> int:
    """Say what the data are and what is wrong with them, line by line."""
    from sounding import api
    from sounding.engine.data.audit import describe

    if len(words) > 2:
        raise UsageError("check takes a task and the data", fix="Such as: sounding check classify photos/")
    named = words[0] if len(words) == 2 else ""
    report = api.check(named, words[-1], spoken.columns(columns), allow_bad=allow_bad)
    click.echo(describe(report))
    return 0 if report.usable else 1


@cli.command()
@click.argument("words", nargs=-1, metavar="TASK DATA [KEY=VALUE]...")
@click.option("--epochs", type=float, help="Passes over the training rows.")
@click.option("--time", help="Time for the training itself, such as 10m or 1.5h.")
@click.option("--steps", type=int, help="Steps of the optimizer.")
@click.option("--size", default="small", show_default=True, help="tiny, small or base.")
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=Path, help="Run folder; runs/<task>/<n> by default.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any number of the recipe, such as lr=3e-4."
)
@bad_option
@click.option("--precision", default="auto", show_default=True, help="auto, fp32 or bf16.")
@click.option("--resume", is_flag=False, flag_value="", help="Go on with an unfinished run: the latest, or RUN.")
@click.option("--card", "profile", default="quick", show_default=True, help="quick, standard, full or none.")
@columns_options
def train(
    words: Sequence[str],
    settings: Sequence[str],
    resume: str | None,
    profile: str,
    **options: Any,
) -> None:
    """Train a task from your own files, and measure the model."""
    _prepare()
    from sounding import api

    words, recipe, typed = spoken.settings(words, settings)
    if resume is not None and not words and not resume:
        raise UsageError(
            "which task is to be resumed", fix="Such as: sounding train classify --resume, or --resume RUN"
        )
    if resume is None and len(words) != 2:
        raise UsageError("train takes a task and the data", fix="Such as: sounding train classify photos/")
    columns = {name: options.pop(name) for name in ("input", "target", "group", "split")}
    model = api.train(
        words[0] if words else "",
        words[1] if len(words) > 1 else None,
        columns=spoken.columns(columns),
        resume=resume or resume is not None,
        card=spoken.profile(profile),
        watch=_watch(words[0] if words else "training"),
        say=_say,
        **{**options, **typed},
        **recipe,
    )
    _summary(model)


@cli.command()
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True)
@click.option("--out", type=Path, help="Write the answers to a .jsonl or .csv file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def predict(run: str, inputs: Sequence[str], out: Path | None, as_json: bool) -> None:
    """Answer for texts, files, folders, patterns, or - for one input a line."""
    _prepare()
    from sounding import api
    from sounding.engine.prediction import expand, write_results

    model = api.load(run)
    lines = [line.rstrip("\n") for name in inputs for line in (sys.stdin if name == "-" else [name]) if line.strip()]
    results = model.stream(expand(model.task.input, lines))
    if out:
        click.echo(f"{write_results(out, results)} answers in {out}")
        return
    for result in results:
        score = "" if result.score is None else f"\t{result.score:.3f}"
        click.echo(json.dumps(result.to_json()) if as_json else f"{result.source}\t{result.label}{score}")


@cli.command(name="eval")
@click.argument("run")
@click.argument("data", required=False)
@bad_option
@columns_options
def evaluate(run: str, data: str | None, allow_bad: float, **columns: str | None) -> None:
    """Measure a model on DATA, or on the test rows of its training: every metric with its 95 % interval."""
    _prepare()
    from sounding import api

    metrics = api.load(run).evaluate(data, spoken.columns(columns), allow_bad=allow_bad)
    for name, estimate in metrics.items():
        click.echo(f"{name:16} {estimate}  n={estimate.n}  ({estimate.interval})")


@cli.command()
@click.argument("a")
@click.argument("b")
@click.argument("data", required=False)
def compare(a: str, b: str, data: str | None) -> None:
    """How much better run A is than run B on the same rows: paired differences with 95 % intervals."""
    _prepare()
    from sounding import api

    for name, estimate in api.compare(api.load(a), api.load(b), data).items():
        low, high = estimate.low, estimate.high
        clear = low is not None and high is not None and (low > 0 or high < 0)
        verdict = "the interval is clear of 0" if clear else "no difference shown: the interval holds 0"
        click.echo(f"{name:16} {estimate.value:+.4f} [{low:+.4f}, {high:+.4f}]  n={estimate.n}  {verdict}")


@cli.command()
@click.argument("run")
@click.option("--quick", "profile", flag_value="quick", help="Measure anew: at most about a minute.")
@click.option("--standard", "profile", flag_value="standard", help="Measure anew on more rows: minutes.")
@click.option("--full", "profile", flag_value="full", help="Measure everything, with the label-efficiency curve.")
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
def card(run: str, profile: str | None, show: bool) -> None:
    """The card of a run: what was measured about it."""
    _prepare()
    from sounding import api

    model = api.load(run)
    made = model.card(spoken.profile(profile) if profile else None, say=_say)
    _findings(made, model.dir / "card.html")
    if show:
        click.launch(str(model.dir / "card.html"))


@cli.command()
def doctor() -> None:
    """What this machine can do: processor, threads, precision, and whether energy can be measured."""
    _prepare()
    from sounding.engine.doctor import report

    click.echo("\n".join(report()))


@cli.command(name="list")
def list_() -> None:
    """The applications there are, and the runs in this folder."""
    from sounding import catalog
    from sounding.engine.run import Run

    for name in catalog.names():
        click.echo(f"{name:12} {catalog.summary(catalog.find(name))}")
    runs = sorted(Path("runs").glob("*/*/config.json")) if Path("runs").is_dir() else []
    for path in runs:
        click.echo(
            f"{path.parent}  {'finished' if Run(path.parent).finished else 'unfinished: --resume ' + str(path.parent)}"
        )


def _prepare() -> None:
    """Allocator and threads, before anything imports torch."""
    from sounding.engine.machine import prepare

    prepare()


def _watch(title: str) -> Any:
    from sounding.engine.progress import watch

    return watch(title)


def _say(message: str) -> None:
    """Progress is for a person who waits; it goes to the error stream, and only on a terminal."""
    if sys.stderr.isatty():
        click.echo(f"  {message} …", err=True)


def _summary(model: Model) -> None:
    """At most a dozen lines: each section's finding, where it lies, and what to type next."""
    if (model.dir / "card.json").exists():
        _findings(model.card(), model.dir / "card.html")
    click.echo(f"{'Next':20} sounding predict {model.dir} INPUT")


def _findings(card: Card, page: Path) -> None:
    for section in card:
        click.echo(f"{section.title:20} {section.sentence or section.reason}")
    click.echo(f"{'Card':20} {page}")
