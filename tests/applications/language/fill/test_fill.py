"""A small masked language model trained on its demonstration texts."""

import numpy as np
import pytest
import torch

import sounding as sd
from sounding.applications.language.fill.task import Fill
from sounding.challenges.explanations.faithfulness import untrained
from sounding.contract.records import Example, Record
from sounding.errors import DataError
from sounding.evaluation.evaluation import baseline
from sounding.modalities.text.specials import MASK

TEXTS = ["The sun shines on the roof.", "Rain falls on the old house again and again.", "A cat sat on the mat."]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "fill"
    return sd.train("fill", "demo", out=out, size="tiny", steps=200, card=None)


def fitted(texts=TEXTS, **settings):
    task = Fill(Fill.Recipe.make("tiny", settings))
    task.fit([Example(text) for text in texts])
    return task


def test_rows_are_stretches_with_the_same_masks_each_time_and_their_words_in_order():
    task = fitted(tokenizer="words", context=4)
    rows = task.windows(TEXTS)
    assert [(row.input, row.target) for row in task.windows(TEXTS)] == [(row.input, row.target) for row in rows]
    whole = []
    for row in rows:
        ids = row.input.ids.copy()
        assert (ids == MASK).sum() == len(row.target.ids) >= 1
        ids[ids == MASK] = row.target.ids
        whole += ids.tolist()
    assert whole == [id for text in TEXTS for id in task.input.tokenizer.ids(text)]
    assert {row.group for row in rows} == {"0", "1", "2"}  # stretches of one text belong together


def test_stretches_of_a_single_document_are_drawn_one_by_one():
    assert {row.group for row in fitted(tokenizer="words", context=4).windows([" ".join(TEXTS)])} == {""}


def test_the_constant_baseline_is_the_commonest_token_wherever_one_is_missing():
    task = fitted(tokenizer="words", context=8)
    truths = [task.target.passage(task.input.tokenizer.ids(text)) for text in ("the roof the", "the cat")]
    records = [Record("", truth, None, 1.0) for truth in truths]
    found = baseline(task, truths, records)
    assert task.metrics[0].value(found) == 3 / 5


def test_an_untrained_model_gives_other_answers_to_other_texts():
    """Although the scores of a Transformer, and what its blocks add, begin at zero."""
    task = fitted()
    model = untrained(task, 0)
    with torch.no_grad():
        one, other = (model(task.input.encode([text]).ids)[0, -1] for text in ("A cat sat", "Rain falls on"))
    assert (one - other).abs().max() > 1e-3


def test_the_loss_is_the_mean_over_what_is_missing(run):
    task, model = run.task, run.module
    x, y = (
        task.encode_inputs(["two [MASK] hens : [MASK] cluck", "one [MASK]"]),
        task.encode_targets(["wet cluck", "old"]),
    )
    with torch.no_grad():
        scores = [model(x.ids[i : i + 1, : x.lengths[i]])[0].log_softmax(1) for i in range(2)]
        found = task.loss(model, x, y)
    expected = []
    for row, missing in enumerate((y.ids[0, :2], y.ids[1, :1])):
        places = (x.ids[row, : x.lengths[row]] == MASK).nonzero()[:, 0]
        expected.append(-scores[row][places, missing].mean())
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-4, rtol=1e-4)


def test_in_training_other_tokens_are_hidden_each_time_and_padding_never(run):
    task = run.task
    rows = list(run.dataset().train[:32])
    x, y = task.encode_inputs([row.input for row in rows]), task.encode_targets([row.target for row in rows])
    shares = []
    for seed in range(20):
        torch.manual_seed(seed)
        ids, whole, hidden = task._hidden_anew(x, y)
        within = torch.arange(ids.shape[1]) < x.lengths[:, None]
        assert not (hidden & ~within).any()
        assert hidden.any(1).all()
        assert torch.equal(ids[~hidden], whole[~hidden])
        assert not (whole[within] == MASK).any()
        shares.append([hidden[within].float().mean(), (ids[hidden] == MASK).float().mean()])
    share, masked = np.mean(shares, axis=0)
    assert share == pytest.approx(task.recipe.masked, abs=0.05)
    assert masked == pytest.approx(0.8, abs=0.05)


def test_missing_words_are_told_and_ranked(run):
    (answer,) = run("two wet hens: cluck [MASK]")
    assert answer.label == "cluck"
    assert answer.words[0] == "cluck"
    prediction = run.task.predict(run.module, ["two wet hens: cluck [MASK]"])[0]
    ranked = run.task.target.answers(prediction.value, prediction.confidence, prediction.scores)
    assert ranked[0] == {"token_str": "cluck", "score": pytest.approx(answer.score)}
    assert [each["score"] for each in ranked] == sorted((each["score"] for each in ranked), reverse=True)
    assert len(ranked) == 5
    assert run("one [MASK] cow: [MASK]")[0].label.split()[1] == "moo"
    assert run.evaluate()["masked-token accuracy"].low > 0.4  # one in a hundred by chance


def test_a_text_without_a_mask_is_refused(run):
    with pytest.raises(DataError, match="no word is missing"):
        run.task.predict(run.module, ["two wet hens"])


def test_the_masks_stay_whatever_is_done_to_the_text(run):
    text, input = "three shy [MASK]: mew [MASK] mew", run.task.input
    rng = np.random.default_rng(0)
    for corrupt in input.corruptions.values():
        assert corrupt(text, 5, rng).count("[MASK]") == 2
    for other in input.neighbours(text, rng):
        assert other.count("[MASK]") == 2
    for way in input.baselines:
        gone = input.mask(text, np.zeros(input.segments(text), bool), way)
        assert gone.count("[MASK]") == 2
        assert "mew" not in gone
    assert run.explain(run(text)[0]).weights.shape == (input.segments(text),)


def test_a_training_that_begins_with_another_run_reads_with_its_tokenizer(run, tmp_path):
    texts = ["two other words: quite new", "one old cow: moo"] * 30
    texts = [f"{text} {number}" for number, text in enumerate(texts)]
    again = sd.train("fill", texts, out=tmp_path / "b", size="tiny", steps=1, card=None, start=str(run.dir))
    assert again.task.input.tokenizer.state() == run.task.input.tokenizer.state()
    assert again.run.config["transfer"]["share"] == 1.0


def test_from_the_command_line_a_text_without_a_mask_is_named_and_costs_no_other_answer(run, sounding):
    status, out, err = sounding("predict", run.dir, "two wet hens", "two wet hens: cluck [MASK]")
    assert status == 1
    assert out.startswith("two wet hens: cluck [MASK]\tcluck\t")
    assert err.startswith("Not answered: two wet hens: no word is missing in the text. Write [MASK] in its place")
    status, out, err = sounding("predict", run.dir, "x" * 100_000)
    assert (status, out) == (1, "")
    assert len(err) < 250
