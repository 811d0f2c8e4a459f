"""Verbs about data and learning from them: demo, check, train, label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sounding.cli import words as spoken
from sounding.cli.group import bad_option, cli, columns_options, prepare, reporter, say, summary
from sounding.errors import UsageError, require_one

if TYPE_CHECKING:
    from sounding.runs.model import Model

FIELDS = (
    "Every field of the application's recipe is an option as well: --lr 0.01, --batch 16, --image-size 224; or "
    "lr=0.01, or --set lr=0.01. docs/classify.md, detect.md, segment.md and faces.md list them."
)

WATCHED = 8001
"""The port of the page of a training, where none is named."""


@cli.command()
@click.option("--out", type=Path, help="Run folder; runs/classify/<n> by default.")
@click.option("--seed", default=0, show_default=True)
def demo(out: Path | None, seed: int) -> int:
    """Train on embedded real data, measure, and write the card, in well under a minute."""
    prepare()
    from sounding import api

    digits = Path(__file__).parents[1] / "samples" / "digits.parquet"
    click.echo("1,797 real handwritten digits (UCI optical digits, CC BY 4.0), classified by a small convolutional net")
    numbers: dict[str, Any] = {"validations": 10, "lr": 4e-3, "average": 0.995}  # for a training of a few hundred steps
    model = api.train(
        "classify", digits, size="tiny", seed=seed, out=out, reporter=reporter("digits"), say=say, **numbers
    )
    return summary(model)


@cli.command(context_settings={"ignore_unknown_options": True}, epilog=FIELDS)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[TASK] DATA [KEY=VALUE]...")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Of the recipe, as a training takes it.")
@bad_option
@click.option("--all", "every", is_flag=True, help="Name every row, also where many are alike.")
@columns_options
def check(words: Sequence[str], settings: Sequence[str], **options: Any) -> int:
    """Say what the data are and what is wrong with them, line by line."""
    from sounding import api
    from sounding.data.audit import describe

    words, numbers, typed = spoken.settings(words, settings)
    spoken.require_no_words_of_python(numbers)
    options |= typed
    allow_bad, every = options.pop("allow_bad"), options.pop("every")
    if not 1 <= len(words) <= 2:
        raise UsageError("check takes a task and the data", fix="Such as: sounding check classify photos/")
    named = words[0] if len(words) == 2 else ""
    report = api.check(named, words[-1], spoken.columns(options), allow_bad=allow_bad, **numbers)
    click.echo(describe(report, every))
    return 0 if report.usable else 1


@cli.command(context_settings={"ignore_unknown_options": True}, epilog=FIELDS)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="TASK [DATA] [KEY=VALUE]...")
@click.option("--epochs", type=float, help="Passes over the training rows.")
@click.option("--time", help="Time for the training itself, such as 10m or 1.5h.")
@click.option("--steps", type=int, help="Steps of the optimizer.")
@click.option("--until", type=float, help="Stop when the headline metric is this good on the validation rows.")
@click.option("--size", help="tiny, small (the default) or base.")
@click.option("--seed", type=int, help="Of all that is drawn; 0 by default.")
@click.option("--out", type=Path, help="Run folder; runs/<task>/<n> by default.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Of the recipe (lr=3e-4), or how to answer."
)
@bad_option
@click.option("--precision", default="auto", show_default=True, help="auto, fp32 or bf16.")
@click.option("--from", "start", default="", metavar="WEIGHTS", help="Begin with those of a run, a file, or hub:NAME.")
@click.option("--unlabelled", default="", metavar="DATA", help="Learn from rows that lack a half as well.")
@click.option("--method", help="How: self-training or contrast; of translate, back-translation.")
@click.option("--control", is_flag=True, help="Train without the help of --from as well, to show what it is worth.")
@click.option("--harden", default="", metavar="KIND", help="Make it robust: attacks or corruptions.")
@click.option("--every", default=0, metavar="N", help="Look at the layers every N steps: see inspect.")
@click.option("--log", default="csv", show_default=True, help="csv, or tensorboard for event files as well.")
@click.option("--watch", is_flag=False, flag_value=str(WATCHED), metavar="[PORT]", help="Show it live on a page.")
@click.option("--resume", is_flag=False, flag_value="", help="Go on with an unfinished run: the latest, or RUN.")
@click.option("--card", "profile", help="quick (the default), standard, full or none.")
@columns_options
def train(
    words: Sequence[str],
    settings: Sequence[str],
    resume: str | None,
    profile: str | None,
    **options: Any,
) -> int:
    """Train a task from your own files, and measure the model. A task that plays takes no DATA.

    Beside --resume, DATA is where the data of the run lie now, if they moved.
    """
    prepare()
    from sounding import api

    words, numbers, typed = spoken.settings(words, settings)
    spoken.require_no_words_of_python(numbers)
    profile, options = typed.pop("profile", profile), {**options, **typed}
    options["watch"] = _port(options["watch"])
    budget = {f"--{name} {options[name]}": options[name] is not None for name in ("epochs", "steps", "time")}
    require_one(budget)
    if len(words) > 2 or (resume is None and not words):
        raise UsageError("train takes a task and the data", fix="Such as: sounding train classify photos/")
    if resume is not None and len(words) == 1 and not _is_task(words[0]) and (resume or Path(words[0]).exists()):
        words = ["", *words]
    columns = {name: options.pop(name) for name in ("input", "target", "group", "split")}
    if resume is not None:
        require_one({f"--resume {resume}": resume, f"--out {options['out']}": options["out"]})
        run = api.resumed_run(words[0] if words else "", resume or options["out"] or True)
        resume = str(run.dir)
        if run.finished:
            click.echo(f"{run.dir} is finished: nothing is left to train")
    model = api.train(
        words[0] if words else "",
        words[1] if len(words) > 1 else None,
        columns=spoken.columns(columns),
        resume=resume or False,
        card="" if profile is None else spoken.profile(profile),
        reporter=reporter(words[0] if words else "training"),
        say=say,
        **options,
        **numbers,
    )
    for line in left_out(model):
        click.echo(f"data: {line}")
    return summary(model)


def _port(word: str | None) -> int | None:
    """The port that --watch names. Raises UsageError for a word that is none, such as a task that follows it."""
    if word is None:
        return None
    if not word.isdecimal():
        raise UsageError(f"--watch {word}: {word!r} is no port", fix="Put --watch last, or give one: --watch=8001")
    return int(word)


def _is_task(word: str) -> bool:
    """Whether a word names an application, and not data."""
    from sounding import catalog

    return word in catalog.names() or (catalog.is_path(word) and Path(word).suffix == ".py")


def left_out(model: Model) -> list[str]:
    """What was not read of the data that a model was trained on, and what was decided about them."""
    from sounding.data.audit import left_out
    from sounding.data.report import Report

    return list(left_out(Report.from_json(model.run.data))) if "rejected" in model.run.data else []


@cli.command()
@click.argument("run")
@click.argument("pool", required=False)
@click.option("--count", default=50, show_default=True, help="How many rows to name.")
@click.option("--strategy", default="both", show_default=True, help="margin, spread, both or random.")
@click.option("--errors", is_flag=True, help="Instead: which labels of the data may be wrong.")
@click.option("--time", help="With --errors: at most so long, such as 10m.")
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=Path, help="Write the rows to a .csv or .jsonl file.")
@bad_option
def label(run: str, pool: str | None, count: int, out: Path | None, **options: Any) -> None:
    """What to label next among the rows of POOL, which have no answers yet; or which labels may be wrong."""
    prepare()
    from sounding import api
    from sounding.challenges.labels import labelling
    from sounding.data.pool import describe

    if options["errors"] == (pool is not None):
        fix = "Such as: sounding label RUN POOL, or: sounding label RUN --errors"
        raise UsageError("label takes either rows without answers, or --errors", fix=fix)
    model = api.load(run)
    found: Any
    if pool is None:
        found = model.review(options["time"] and api.seconds(options["time"]), say=say)
    else:
        rows = model.pool(pool, allow_bad=options["allow_bad"], say=say)
        click.echo(describe(rows))
        found = model.suggest(rows, count, options["strategy"], options["seed"], say)
    click.echo(labelling.describe(found, count))
    if out is not None:
        click.echo(f"{labelling.write(out, found)} rows in {out}")
