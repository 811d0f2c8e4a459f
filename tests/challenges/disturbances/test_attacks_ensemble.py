"""The ensemble against AutoAttack as published, on small nets that read digits; and whether it knows it is blind."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pyarrow.parquet as parquet
import pytest
import torch
from challenges.toys import Kind, Rounded, Sort, context
from torch import nn

import sounding
from sounding.challenges import robustness
from sounding.challenges.disturbances import masking
from sounding.challenges.disturbances.attacks import perturb, square
from sounding.challenges.disturbances.ensemble import Attacks, attack_reports
from sounding.contract.inputs import Threat
from sounding.contract.recipe import Recipe
from sounding.contract.records import Example
from sounding.evaluation.evaluation import evaluate_rows
from sounding.modalities.pictures.image import Image

BALLS = {"linf": Threat("L∞ 0.1", "linf", 0.1), "l2": Threat("L2 0.5", "l2", 0.5)}
SMALL = Attacks(pgd=20, apgd=30, targets=3, targeted=20, queries=300)


class Digits(Sort):
    """Which digit an 8 × 8 picture shows."""

    k = 10

    def modalities(self):
        return Image(size=8), Kind(10)


def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def convolutional():
    first = [nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*first, nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))


@pytest.fixture(scope="module")
def digits():
    """The task and its rows by split."""
    table = parquet.read_table(f"{sounding.__path__[0]}/samples/digits.parquet").to_pylist()
    rows = {}
    for row in table:
        picture = np.asarray(PIL.Image.open(io.BytesIO(row["image"]["bytes"])))[:, :, None]
        rows.setdefault(row["split"], []).append(Example(picture, int(row["label"])))
    task = Digits(Recipe(batch=128))
    task.fit(rows["train"])
    return task, rows


def learnt(task, build, rows, threat=None, steps=150):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build().train()
    optimizer, rng = torch.optim.Adam(model.parameters(), 5e-3), torch.Generator().manual_seed(0)
    x, targets = task.input.encode([e.input for e in rows]), task.encode_targets([e.target for e in rows])
    for _ in range(steps):
        batch = torch.randint(len(x), (64,), generator=rng)
        some, truths = x[batch], targets[batch]
        if threat:
            some = perturb(task, model, some, truths, threat, rng)
        optimizer.zero_grad()
        task.loss(model, some, truths).mean().backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def nets(digits):
    task, rows = digits
    hard = learnt(task, convolutional, rows["train"], BALLS["linf"])
    plain = {"dense": learnt(task, dense, rows["train"]), "convolutional": learnt(task, convolutional, rows["train"])}
    return {**plain, "hardened": hard}


def autoattack(task, model, examples, threat):
    """Accuracy under the published ensemble at the same small budgets."""
    from pyautoattack import AutoAttack

    names = {"linf": "Linf", "l2": "L2"}
    attacks = ["apgd-ce", "apgd-t", "fab-t", "square"]
    theirs = AutoAttack(model, attacks=attacks, eps=threat.radius, norm=names[threat.norm], seed=0, version="custom")
    theirs.verbose = False
    theirs.apgd.n_restarts, theirs.apgd.n_iter = 1, SMALL.apgd
    theirs.apgd_targeted.n_iter, theirs.apgd_targeted.n_target_classes = SMALL.targeted, SMALL.targets
    theirs.fab.n_restarts, theirs.fab.n_iter, theirs.fab.n_target_classes = 1, 20, SMALL.targets
    theirs.square.n_queries = SMALL.queries
    x, truths = task.input.encode([e.input for e in examples]), torch.tensor([e.target for e in examples])
    worst, _ = theirs.run_standard_evaluation(x, truths, batch_size=128)
    with torch.no_grad():
        return float((model(worst).argmax(1) == truths).float().mean())


@pytest.mark.parametrize("net", ["dense", "convolutional", "hardened"])
@pytest.mark.parametrize("norm", ["linf", pytest.param("l2", marks=pytest.mark.slow)])
def test_the_ensemble_leaves_no_more_than_autoattack_does(digits, nets, net, norm):
    task, rows = digits
    model, examples, threat = nets[net], rows["test"][:60], BALLS[norm]
    (report,) = attack_reports(task, model, examples, evaluate_rows(task, model, examples), [threat], SMALL)
    ours = report.attempts[-1].left.value
    assert ours <= autoattack(task, model, examples, threat) + 0.01
    assert 0.2 < ours < 0.95  # neither attack is idle, and neither has an easy game
    assert [line.attack for line in report.attempts] == ["PGD", "APGD-CE", "APGD-T", "APGD-CE again", "Square"]


def test_each_attack_tries_only_what_still_stands_and_the_sum_is_what_is_left(digits, nets):
    task, rows = digits
    examples, model = rows["test"][:80], nets["dense"]
    clean = evaluate_rows(task, model, examples)
    (report,) = attack_reports(task, model, examples, clean, [BALLS["linf"]], SMALL)
    standing = sum(r.value == r.truth for r in clean)
    for line in report.attempts:
        assert line.tried == standing
        standing -= line.successes
        assert line.left.value == pytest.approx(standing / len(examples))
    assert len(report.robust) == standing
    assert all(r.value == r.truth for r in (report.records[i] for i in report.robust))


def test_a_time_limit_cuts_the_attacks_short_and_the_table_says_so(digits, nets):
    task, rows = digits
    plan = replace(robustness.PLANS["standard"], attacked=60, unbounded=False, attacks=replace(SMALL, seconds=0.0))
    tested = context(task, nets["hardened"], rows["test"])
    found = robustness.under_attack(tested, plan)
    stopped = {row["attack"]: row["stopped by the time limit"] for row in found.details["attacks"]}
    assert not stopped["PGD"]
    assert stopped["APGD-CE"]
    assert stopped["Square"]
    assert "stopped by the time limit" in found.sentence
    verdicts = {row["check"]: row["verdict"] for row in found.details["masked_gradients"]}
    assert verdicts["success of the black-box attack alone"] == "withheld"  # what was not searched is not passed
    assert verdicts["success of more search alone"] == "withheld"
    assert verdicts["rows on which the loss rises along the attack"] == "passed"
    assert "passed 1 check (2 more had too few rows or too little time)" in found.sentence


def test_square_alone_is_about_as_strong_as_the_published_one(digits, nets):
    from pyautoattack.square import SquareAttack

    task, rows = digits
    model, threat = nets["convolutional"], Threat("t", "linf", 0.15)
    kept = [e for e, r in zip(rows["test"][:80], evaluate_rows(task, model, rows["test"][:80])) if r.value == r.truth]
    values, truths = [e.input for e in kept], [e.target for e in kept]
    found = square(task, model, values, truths, threat, queries=400)
    ours = np.mean([p.value == t for p, t in zip(task.predict(model, found.values), truths, strict=True)])
    attack = SquareAttack(model, norm="Linf", n_queries=400, eps=0.15, seed=0, loss="margin", resc_schedule=True)
    attack.device, attack.verbose = "cpu", False
    x, known = task.input.encode(values), torch.tensor(truths)
    with torch.no_grad():
        theirs = float((model(attack.perturb(x, known)).argmax(1) == known).float().mean())
    assert ours <= theirs + 0.05
    assert ours < 0.7


@pytest.mark.parametrize("net", ["dense", "convolutional", "hardened"])
def test_plain_nets_trip_no_check(digits, nets, net):
    task, rows = digits
    plan = replace(robustness.PLANS["standard"], attacked=100, attacks=replace(SMALL, queries=150))
    found = robustness.under_attack(context(task, nets[net], rows["test"]), plan)
    verdicts = {row["check"]: row["verdict"] for row in found.details["masked_gradients"]}
    assert len(verdicts) == 4
    assert "tripped" not in verdicts.values(), verdicts
    assert "No sign of masked gradients" in found.sentence


def test_a_net_that_rounds_its_input_trips_the_checks(digits, nets):
    task, rows = digits
    examples = rows["test"][:100]
    model = Rounded(nets["convolutional"])
    clean = evaluate_rows(task, model, examples)
    threats = [BALLS["linf"], Threat("everything", "linf", 1.0)]
    reports = attack_reports(task, model, examples, clean, threats, SMALL)
    found = {check.id: check for check in masking.checks(task.row_metrics[0], clean, reports)}
    assert found["loss_rises"].verdict == "tripped"
    assert found["black_box"].verdict == "tripped"
    assert found["black_box"].estimate.value > 0.1
    assert reports[0].attempts[-1].left.value < 0.8
