"""Translating and summarizing with a recurrent net: everything that the Transformer does, and what it has not."""

import re
import signal

import pytest
import torch

import sounding as sd
from sounding import catalog
from sounding.randomness import stream
from sounding.training.loop import Interrupted
from sounding.training.optimization import effective_optimizers
from sounding.training.progress import Reporter

QUICK = {"size": "tiny", "model": "rnn", "card": None, "validations": 1, "looked_at": 20, "precision": "fp32"}
FAST = {**QUICK, "lr": 5e-3}
"""Learns in few steps."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sd.train("translate", "demo", out=tmp_path_factory.mktemp("rnn") / "run", steps=180, tokens=512, **FAST)


def test_it_learns_to_translate_and_answers_as_any_translator_does(run):
    assert run.evaluate().chrf.value > 50
    text = "The old dog sees the house."
    answer = sd.pipeline("translation", model=run.dir)(text, alignment=True)[0]["translation_text"]
    assert answer.startswith("Der ")
    assert run([text], alignment=True)[0].alignment.shares.shape == (len(answer.split()), len(text.split()))
    assert str(run([text], beginning="Heute")[0].value).startswith("Heute ")
    assert run([text], beams=4)[0].score >= run([text], beams=1)[0].score - 0.2


@pytest.mark.parametrize("method", ["occlusion", "gradient", "integrated_gradients"])
def test_its_answers_are_explained(run, method):
    (result,) = run(["Today the guest likes a new boat."])
    found = run.explain(result, method)
    assert len(found.weights) == 8  # seven words and a full stop
    assert abs(found.weights).min() > 0


def test_it_is_read_along_as_recurrence_and_as_attention(run):
    reading = run.read_along("The old dog sees the house.")
    assert [each.name for each in reading.attention] == ["attention"]
    assert {each.kind for each in reading.recurrence} == {"LSTM"}


def test_it_stands_beside_a_transformer_on_the_same_rows(run, tmp_path):
    other = sd.train("translate", "demo", out=tmp_path / "run", steps=1, **{**QUICK, "model": "transformer"})
    assert sd.compare(run, other).chrf.low > 0


def test_with_a_pointer_it_copies_names_and_numbers_that_training_never_had(tmp_path):
    run = sd.train("summarize", "demo", out=tmp_path / "run", tokens=1024, steps=160, **FAST)
    assert run.evaluate()["ROUGE-1"].value > 75
    known = set(" ".join(row.input for row in run.dataset().train).split())
    rows = [(row, named(row.target)) for row in run.task.demo(stream("fresh"), 1000)]
    fresh = [(row, names) for row, names in rows if names and not known & set(names)][:20]
    answers = run([row.input for row, _ in fresh])
    towns, numbers = (
        sum(names[k] in answer.text for (_, names), answer in zip(fresh, answers, strict=True)) for k in (0, 1)
    )
    assert towns >= 8
    assert numbers >= 16


def named(summary):
    """The town and the number of a summary."""
    return next(iter(re.findall(r"of (\w+) gets (\d+)", summary)), ())


class Stopping(Reporter):
    """Somebody who presses Ctrl-C after the third step."""

    def stepped(self, standing):
        if standing.step == 3:
            signal.raise_signal(signal.SIGINT)


def test_a_training_that_was_stopped_ends_with_the_weights_of_one_that_was_not(tmp_path):
    words = {**QUICK, "steps": 6, "validations": 2}
    whole = sd.train("translate", "demo", out=tmp_path / "whole", **words)
    with pytest.raises(Interrupted):
        sd.train("translate", "demo", out=tmp_path / "run", reporter=Stopping(), **words)
    resumed = sd.train(resume=tmp_path / "run", card=None)
    for name, tensor in whole.module.state_dict().items():
        assert torch.equal(resumed.module.state_dict()[name], tensor), name


@pytest.mark.parametrize("application", ["translate", "summarize"])
def test_its_recipe_is_its_own_and_muon_trains_no_recurrent_matrix(application):
    Task = catalog.find(application)
    recipe = Task.Recipe.make("small", {"model": "rnn"})
    assert (recipe.lr, recipe.layers) == (2e-3, 2)
    task = Task(Task.Recipe.make("tiny", {"model": "rnn"}))
    task.fit(task.demo(stream("few"), 40))
    model = task.build()
    assert (model.pointer is not None) == (application == "summarize")
    trained = effective_optimizers(model, task.recipe)
    cells = [p for module in model.modules() if isinstance(module, torch.nn.LSTM) for p in module.parameters()]
    assert {trained[p] for p in cells} == {"adamw"}
    assert trained[model.attention.query.weight] == "muon"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "rnm"}, r"no model 'rnm'. Did you mean rnn"),
        ({"model": "rnn", "tune": "lora"}, "tune=lora is of a Transformer, and the model is rnn. Leave tune out"),
        ({"model": "rnn", "rank": 4}, "rank=4 is of a Transformer, and the model is rnn. Leave rank out"),
        ({"model": "rnn", "architecture": "{}"}, "published weights are of a Transformer, and the model is rnn"),
    ],
)
def test_what_only_a_transformer_has_is_refused(settings, told):
    with pytest.raises(sd.UsageError, match=told):
        catalog.find("translate").Recipe.make("tiny", settings)


def test_weights_of_the_other_kind_of_net_are_refused_and_of_its_own_taken(run, tmp_path):
    words = {**QUICK, "steps": 1, "out": tmp_path / "run", "start": run.dir}
    with pytest.raises(sd.UsageError, match="model=rnn"):
        sd.train("translate", "demo", **{**words, "model": "transformer"})
    assert not (tmp_path / "run").exists()
    del words["model"]
    again = sd.train("translate", "demo", **words)
    assert again.run.config["transfer"]["share"] == 1
    assert again.task.recipe.model == "rnn"
