"""Verbs that measure a model, and the machine: eval, compare, card, doctor."""

from __future__ import annotations

import click

from sounding.cli import words as spoken
from sounding.cli.group import bad_option, cli, columns_options, findings, prepare, say


@cli.command(name="eval")
@click.argument("run")
@click.argument("data", required=False)
@bad_option
@columns_options
def evaluate(run: str, data: str | None, allow_bad: float, **columns: str | None) -> None:
    """Measure a model on DATA, or on the test rows of its training: every metric with its 95 % interval."""
    prepare()
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
    prepare()
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
    prepare()
    from sounding import api

    model = api.load(run)
    made = model.card(spoken.profile(profile) if profile else None, say=say)
    findings(made, model.dir / "card.html")
    if show:
        click.launch(str(model.dir / "card.html"))


@cli.command()
def doctor() -> None:
    """What this machine can do: processor, threads, precision, and whether energy can be measured."""
    prepare()
    from sounding.engine.doctor import report

    click.echo("\n".join(report()))
