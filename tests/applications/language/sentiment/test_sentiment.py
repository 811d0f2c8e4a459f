"""Text classification as a user meets it, and what its models promise."""

import csv

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

import sounding as sd
from sounding.applications.language.sentiment.answers import AnyLabels
from sounding.applications.language.sentiment.classes import Classes
from sounding.applications.language.sentiment.network import MODELS
from sounding.applications.language.sentiment.task import Sentiment
from sounding.data import open_data
from sounding.errors import UsageError
from sounding.evaluation.evaluation import evaluate
from sounding.modalities.text.spelling import SpeltText, hashed, pieces
from sounding.randomness import stream

TINY = {"size": "tiny", "validations": 2, "steps": 60, "card": None}


def task(**settings) -> Sentiment:
    made = Sentiment(Sentiment.Recipe.make("tiny", settings))
    made.fit(made.demo(stream("reviews"), 60))
    return made


@pytest.mark.parametrize("kind", MODELS)
def test_every_model_answers_alike_alone_and_in_a_batch_and_learns_everywhere(kind):
    made = task(model=kind)
    torch.manual_seed(0)
    model = made.build()
    rows = made.demo(stream("others"), 8)
    y = made.encode_targets([row.target for row in rows])
    made.loss(model, made.encode_inputs([row.input for row in rows]), y).mean().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    together = made.predict(model, [row.input for row in rows])
    for row, answer in zip(rows, together, strict=True):
        np.testing.assert_allclose(made.predict(model, [row.input])[0].scores, answer.scores, atol=1e-5)


def test_the_probability_is_the_mean_over_members():
    made = task(model="ensemble")
    torch.manual_seed(0)
    model = made.build().eval()
    rows = made.demo(stream("others"), 200)
    assert made.calibrate(model, rows, rows)
    x = made.encode_inputs([row.input for row in rows])
    logits = model(x)
    assert logits.shape == (200, 3, 2)
    mean = logits.softmax(dim=2).mean(dim=1)
    answers = made.predict(model, [row.input for row in rows])
    np.testing.assert_allclose([answer.scores for answer in answers], mean.detach(), atol=1e-6)
    right = [made.classes.index(row.target) for row in rows]
    assert (logits[:, 2].argmax(dim=1).numpy() == right).all()  # the linear member, which alone has learnt


def test_words_never_seen_mean_what_their_letters_mean():
    text = SpeltText("words", lower=True)
    text.fit(["a wonderful film"])
    x = text.encode(["wonderfull film", "film"])
    assert x.ids[0].tolist() == [text.tokenizer.specials.unknown, text.tokenizer.id("film")]
    shared = set(pieces("wonderfull")) & set(pieces("wonderful"))
    assert len(shared) > 15
    assert set(x.pieces[0, 0].tolist()) - {0} == set(pieces("wonderfull"))
    assert pieces("Ab".lower()) == tuple(map(hashed, ("<ab", "ab>", "<ab>")))
    assert x.pairs.tolist() == [[0, hashed("wonderfull film")], [0, 0]]
    gone = x.hidden(torch.tensor([[True, False], [False, False]]), 2)
    assert gone.ids[0, 0] == 2
    assert not gone.pieces[0, 0].any()
    assert not gone.pairs.any()  # half of the pair is hidden
    assert gone.pieces[0, 1].any()


def test_the_simple_model_beside_it_answers_each_row_in_turn():
    made = task()
    train, rows = (made.demo(stream(name), 60) for name in ("reviews", "others"))
    ((name, records),) = made.baselines(train, rows).items()
    assert "logistic regression" in name
    assert [record.truth for record in records] == [row.target for row in rows]
    assert np.mean([record.value == record.truth for record in records]) > 0.9
    for record in records:
        share = record.scores[made.classes.index(record.truth)]
        assert record.loss == pytest.approx(-np.log(share), rel=1e-4)
        assert record.confidence == max(record.scores)


def test_a_model_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="no model 'rn'") as error:
        task(model="rn")
    assert "rnn" in str(error.value.fix)


@pytest.mark.parametrize("settings", [{"tune": "lora"}, {"contrastive": "yes"}])
def test_what_only_an_encoder_can_do_is_refused_of_words(settings):
    made = task(**settings)
    with pytest.raises(UsageError, match="the model is ensemble") as error:
        made.build()
    assert "--from" in str(error.value.fix)


def test_several_labels_in_a_row_are_learnt_and_judged_by_their_decisions(tmp_path):
    rng = stream("labels")
    words = {"sport": "ball", "money": "bank", "food": "bread"}
    lines = [("text", "labels")]
    for _ in range(300):
        told = [name for name in words if rng.random() < 0.4]
        filler = rng.choice(["today", "there", "again", "maybe"], 4).tolist()
        text = rng.permutation([*filler, *(words[name] for name in told)]).tolist()
        lines.append((" ".join(text), "|".join(told) or "[]"))
    with (tmp_path / "topics.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    run = sd.train("sentiment", tmp_path / "topics.csv", out=tmp_path / "run", labels="several", **TINY)
    model = sd.load(run.dir)
    (answer,) = model("the bank has bread again")
    assert answer.value == ("food", "money")
    assert answer.labels == ["food", "money"]
    data = model.dataset()
    records = evaluate(model.task, model.module, data.test)
    truth, told = (
        np.array([[name in labels for name in model.task.classes] for labels in side])
        for side in zip(*((r.truth, r.value) for r in records), strict=True)
    )
    for name, average in (("micro F1", "micro"), ("macro F1", "macro")):
        found = next(metric for metric in model.task.metrics if metric.name == name)
        assert found.value(records) == pytest.approx(f1_score(truth, told, average=average, labels=range(3)))
    assert model.evaluate()["micro F1"].value > 0.9


def test_the_threshold_is_the_one_with_the_best_f1():
    scores, truth = np.array([[0.2, 0.3], [0.35, 0.1], [0.1, 0.6]]), np.array([[0, 1], [1, 0], [0, 1]])
    found = AnyLabels.threshold(scores, truth)
    assert 0.2 < found <= 0.3
    tried = [f1_score(truth, scores >= t, average="micro", zero_division=0) for t in np.linspace(0.01, 0.99, 99)]
    assert f1_score(truth, scores >= found, average="micro") == max(tried)
    assert AnyLabels.threshold(np.array([[0.9, 0.1]]), np.array([[1, 0]])) == 0.5  # no reason to move


def test_uneven_classes_are_said_and_weighed_where_asked():
    answers = ["common"] * 90 + ["rare"] * 10
    plain, balanced = Classes(), Classes(balanced=True)
    for classes in (plain, balanced):
        classes.fit(answers)
        (note,) = classes.notes()
        assert "'common' has 90.0 % of the training rows and 'rare' 10.0 %" in note
    assert "each row weighs the same" in plain.notes()[0]
    assert "weigh more" in balanced.notes()[0]
    common, rare = balanced.weights
    assert rare / common == pytest.approx(np.sqrt(0.9 / 0.1))
    assert 0.9 * common + 0.1 * rare == pytest.approx(1.0)
    even = Classes()
    even.fit(["a", "b"])
    assert not even.notes()


def test_balanced_losses_are_those_of_the_rows_times_their_weights():
    made = task(balance=True)
    torch.manual_seed(0)
    model = made.build().train()
    rows = made.demo(stream("reviews"), 60)[:45]
    uneven = [row for row in rows if row.target == "positive" or row is rows[1]]
    made.fit(uneven)
    x, y = made.encode_inputs([row.input for row in uneven]), made.encode_targets([row.target for row in uneven])
    losses = []
    for balance in (True, False):
        made.recipe = made.recipe.changed({"balance": balance})
        torch.manual_seed(1)
        losses.append(made.loss(model, x, y))
    weights = torch.tensor([made.target.weights[made.classes.index(row.target)] for row in uneven])
    torch.testing.assert_close(losses[0], losses[1] * weights)


def test_trains_from_a_table_and_from_folders_of_texts(tmp_path):
    rows = task().demo(stream("table"), 120)
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((row.input, row.target) for row in rows)])
    for number, row in enumerate(rows):
        place = tmp_path / "folders" / row.target / f"{number}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(row.input)
    data = open_data(Sentiment(), tmp_path / "folders")
    assert sorted(example.target for part in (data.train, data.validation, data.test) for example in part) == sorted(
        row.target for row in rows
    )
    run = sd.train("sentiment", tmp_path / "reviews.csv", out=tmp_path / "run", **TINY)
    model = sd.load(run.dir)
    answer = model("A lovely film, and the cast is charming too.")[0]
    assert answer.label == "positive"
    assert model.evaluate().accuracy.value > 0.8


def test_begins_with_the_encoder_of_a_run_of_fill(tmp_path):
    first = sd.train("fill", "demo", out=tmp_path / "fill", size="tiny", steps=2, card=None)
    run = sd.train("sentiment", "demo", out=tmp_path / "run", start=str(first.dir), size="tiny", steps=1, card=None)
    model = sd.load(run.dir)
    assert model.task.model == "transformer"
    assert model.task.input.tokenizer.state() == first.task.input.tokenizer.state()
    old, new = first.module.state_dict(), model.module.state_dict()
    name = "transformer.blocks.0.attention.query.weight"
    torch.testing.assert_close(new[name], old[name], atol=0.02, rtol=0.1)  # one small step away
    assert model("a lovely film")[0].label in model.task.classes
