"""What the benchmarks share: the usual options, where the data lie, and trainings that are made once."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import sounding as sd
from sounding.files import read_json
from sounding.machine.setting import prepare, processor
from sounding.training.progress import reporter


def options(doc: str, out: str) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes: --seeds, --out and --set."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path(out), help="the runs; one that is there is read or resumed")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings", help="of the recipe, or how to answer"
    )
    return parser


def parsed(parser: argparse.ArgumentParser, *data: str) -> argparse.Namespace:
    """The options; `settings` as a dictionary, `data` the folder SOUNDING_DATA. Ends where `data` is not there."""
    found = parser.parse_args()
    if wrong := [pair for pair in found.settings if "=" not in pair]:
        parser.error(f"--set takes KEY=VALUE, and {wrong[0]!r} is none")
    found.settings = dict(pair.split("=", 1) for pair in found.settings)
    found.data = Path(os.environ.get("SOUNDING_DATA", ""))
    missing = [name for name in data if not (found.data / name).exists()]
    if missing or "SOUNDING_DATA" not in os.environ:
        sys.exit(f"Set SOUNDING_DATA to the folder that holds {', '.join(data)}.")
    prepare()
    return found


def trained(task: str, source: Path, out: Path, **given: Any) -> sd.Model:
    """The run in `out`: read where it is complete, resumed where it was stopped, else trained. Without a card.

    A run of another task there, as of another benchmark with the same --out, ends the command.
    """
    config = out / "config.json"
    if config.exists() and (found := read_json(config)["task"]) != task:
        raise SystemExit(f"{out} holds a run of {found}; give this benchmark another --out")
    if (out / "training.json").exists():
        return sd.load(out)
    given = {"card": None, "reporter": reporter(out.name), **given}
    if config.exists():
        return sd.train(task, resume=out, card=None, reporter=given["reporter"])
    return sd.train(task, source, out=out, **given)


def place(options: argparse.Namespace, *words: object) -> Path:
    """The folder of a run, named by all that it depends on: another setting is another run."""
    named = [*map(str, words), *(f"{key}={value}" for key, value in options.settings.items())]
    return options.out / "-".join(named).replace("/", "_")


def machine(model: sd.Model) -> list[str]:
    """On what and in what precision a run was trained."""
    setting = model.run.config["setting"]
    layout = ", channels last" if setting["channels_last"] else ""
    return [f"{processor()[0]}, {setting['threads']} threads", f"{setting['precision']}{layout}"]


def spent(model: sd.Model) -> dict[str, Any]:
    """What the training took: seconds, steps, examples and more."""
    return read_json(model.dir / "training.json")


def heads(*words: str) -> str:
    """The first two lines of a markdown table."""
    return f"{row(*words)}\n|{'---|' * len(words)}"


def row(*words: object) -> str:
    """A line of a markdown table."""
    return f"| {' | '.join(map(str, words))} |"
