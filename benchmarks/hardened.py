"""CIFAR-10 (JPEG), hardened: against attacks and against corruptions, beside the same training without.

    SOUNDING_DATA=DIR python benchmarks/hardened.py [--time 60m | --epochs N] [--seeds 0] [--out runs-hardened]
                                                    [--kinds corruptions attacks] [--seconds 1800]

Prints, on the same rows for all: test accuracy (10,000 pictures); accuracy under the attack ensemble at L∞ 8/255 (1,000
pictures, an upper bound: PGD, APGD-CE, APGD-T, Square, as in the full card, at most --seconds a model); accuracy, mean
over the 15 regenerated corruptions at severities 1 to 5 (1,000 pictures); and the paired difference of that from the
plain training. A run that is there already is only read, and so is what was measured of it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import common
import numpy as np

import sounding as sd
from sounding.challenges import robustness
from sounding.challenges.disturbances.under_corruption import judged
from sounding.contract.evidence import Estimate
from sounding.evaluation.intervals import paired_difference
from sounding.files import write_json

ROWS, SEVERITIES = 1000, (1, 2, 3, 4, 5)


def main() -> None:
    parser = common.options(__doc__, "runs-hardened")
    parser.add_argument("--time", default=None)
    parser.add_argument("--epochs", type=float, default=None)
    parser.add_argument("--kinds", nargs="+", default=["corruptions", "attacks"])
    parser.add_argument("--seconds", type=float, default=1800.0)
    options = common.parsed(parser, "cifar10/train.parquet", "cifar10/test.parquet")
    heads = ("training", "seed", "accuracy", "under attack (at most)", "under corruptions")
    print(common.heads(*heads, "and over the plain training"))
    for seed in options.seeds:
        plain = measured(trained("", seed, options), options)
        print(row("plain", seed, plain, None), flush=True)
        for kind in options.kinds:
            print(row(kind, seed, measured(trained(kind, seed, options), options), plain), flush=True)


def trained(kind: str, seed: int, options: argparse.Namespace) -> sd.Model:
    out = common.place(options, kind or "plain", options.time or options.epochs, seed)
    given = {"seed": seed, "harden": kind, "time": options.time, "epochs": options.epochs, **options.settings}
    return common.trained("classify", options.data / "cifar10", out, **given)


def measured(model: sd.Model, options: argparse.Namespace) -> dict:
    """Accuracy, accuracy under attack, and for each row the share of disturbances under which it is right."""
    path = model.dir / "hardened.json"
    if path.exists():
        return json.loads(path.read_text())
    context = model.context("full")
    task, plan = context.task, robustness.PLANS["full"]
    task.input.threats = task.input.threats[-1:]
    plan = replace(plan, attacks=replace(plan.attacks, seconds=options.seconds), unbounded=False)
    found = judged(task, context.model, context.sample(ROWS, "corruptions"), SEVERITIES, seed=0)
    attacked = robustness.under_attack(context, plan)
    facts = {
        "accuracy": vars(model.evaluate()["accuracy"]),
        "attacked": vars(attacked.numbers[0].estimate),
        "attacks": attacked.details["attacks"],
        "checks": attacked.details["masked_gradients"],
        "corrupted": found.columns.mean(axis=1).tolist(),
    }
    write_json(path, facts)
    return facts


def row(kind: str, seed: int, facts: dict, plain: dict | None) -> str:
    corrupted = np.array(facts["corrupted"])
    difference = ""
    if plain is not None:
        difference = str(paired_difference(corrupted, np.array(plain["corrupted"]), np.mean))
    accuracy, attacked = Estimate(**facts["accuracy"]), Estimate(**facts["attacked"])
    return common.row(kind, seed, accuracy, attacked, f"{corrupted.mean():.3f}", difference)


if __name__ == "__main__":
    main()
