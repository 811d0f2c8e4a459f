"""Translation, as a user meets it: directions, odd pairs, options, results, and what stands beside the model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import sounding as sd
from sounding import catalog
from sounding.applications.language.shared.alignment import by_words
from sounding.applications.language.translate.languages import odd_pairs
from sounding.applications.language.translate.memory import TranslationMemory
from sounding.challenges.costs.windows import operations
from sounding.challenges.shift import Shift
from sounding.contract.records import Example
from sounding.data.columns import Columns
from sounding.errors import UsageError
from sounding.evaluation.challenge import measured
from sounding.randomness import stream
from sounding.runs.direction import require_direction

APPLICATION = catalog.find("translate")


def demo(n=300):
    return APPLICATION().demo(stream("translate"), n)


def fitted(examples=None, **recipe):
    task = APPLICATION(APPLICATION.Recipe.make("tiny", recipe))
    task.fit(examples or demo())
    return task


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translate")
    rows = [{"id": k, "en": e.input, "de": e.target} for k, e in enumerate(demo(400))]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = {"size": "tiny", "steps": 120, "card": None, "validations": 1, "out": folder / "run"}
    return sd.train("translate", folder / "pairs.jsonl", **words)


def test_it_learns_and_answers_as_the_pipeline_does(run):
    assert run.evaluate().chrf.value > 60
    pipe = sd.pipeline("translation", model=run.dir)
    (answer,) = pipe("The old dog sees the house.")
    assert list(answer) == ["translation_text"]
    assert answer["translation_text"].startswith("Der ")


def test_how_is_answered_can_be_asked_for(run):
    text = "Today the boy finds a new boat."
    assert str(run([text], beginning="Morgen")[0].value).startswith("Morgen ")
    short = run([text], length=3)[0]
    assert not short.ended
    assert len(run.task.target.tokenizer.ids(str(short.value))) <= 3
    greedy, beams = (run([text], beams=beams)[0] for beams in (1, 4))
    assert beams.score >= greedy.score - 0.2
    plain = run([text])[0]
    assert plain.alignment is None
    mapped = run([text], alignment=True)[0]
    assert mapped.alignment.shares.shape == (len(str(mapped.value).split()), len(text.split()))
    assert mapped.alignment.shares.sum(axis=1).max() < 1.01
    assert "←" in mapped.plot().text
    with pytest.raises(UsageError, match="beams=0"):
        run([text], beams=0)


def test_a_long_text_is_said_to_be_cut(run):
    (result,) = run(["the dog " * 2000])
    assert "of which the first 254 are read" in result.note


def test_a_text_in_another_language_is_said_to_be_unlike_the_training_texts(run):
    known, new = sd.load(run.dir)(["The old dog sees the house.", "Старый корабль вернулся домой, 12."], beams=1)
    assert known.note == ""
    assert new.note.startswith("4 of the 4 words of this text did not occur in the training texts; ")


@pytest.mark.parametrize("name", ["translation", "translation_en_to_de", "translation_english_to_DE"])
def test_the_direction_of_a_run_may_be_asked_for(run, name):
    assert sd.pipeline(name, run.dir)("The guest has 3 years.", beams=1)[0]["translation_text"]
    require_direction(run, "en", "German")


def test_another_direction_is_an_error_that_names_the_own(run, sounding):
    for asked in ("translation_en_to_fr", "translation_de_to_en"):
        with pytest.raises(UsageError, match="this run was trained from en to de, and knows nothing from"):
            sd.pipeline(asked, run.dir)
    status, _, err = sounding("predict", run.dir, "--target", "fr", "The house")
    assert status == 2
    assert "this run was trained from en to de, and knows nothing to fr" in err
    assert "--input" in err


def test_a_run_that_knows_no_names_of_languages_says_so():
    class Nameless:
        task, dir = APPLICATION(), Path("nowhere")

    with pytest.raises(UsageError, match="is not known by name, and to fr was asked for"):
        require_direction(Nameless(), target="fr")


def test_another_test_set_stands_beside_that_of_the_training(run, tmp_path):
    rows = [Example(f"{e.input} Yes.", e.target) for e in demo(500)[440:]]
    (tmp_path / "other.tsv").write_text("en\tde\n" + "".join(f"{e.input}\t{e.target}\n" for e in rows))
    assert run.evaluate(tmp_path / "other.tsv", beams=1).chrf.n == 60
    quick = run.with_options({"beams": 1})
    found = measured(Shift(), quick.context(second=quick.dataset(tmp_path / "other.tsv")))
    assert found.status == "ok"
    assert found["second"].n == 60
    assert found["gap"].value == pytest.approx(found["second"].value - found["test"].value)
    assert "other.tsv chrF is" in found.sentence


def test_operations_of_an_answer_are_counted_however_its_steps_are_computed(run, monkeypatch):
    task, row = run.task.with_options({"beams": 1}), Example("The old dog sees the house.")

    def counted():
        return operations([row], lambda e: task.predict(run.module, [e.input]))

    found, why = counted()
    assert why == ""
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert found.value == counted()[0].value > 0


def test_losses_are_those_of_the_whole_forward_pass():
    task = fitted()
    torch.manual_seed(0)
    model = task.build().eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.1)
    rows = demo(6)
    x, y = task.encode_inputs([e.input for e in rows]), task.encode_targets([e.target for e in rows])
    found = task.loss(model, x, y)
    for k in range(6):
        length = int(y.lengths[k])
        told = model(x.ids[k : k + 1, : x.lengths[k]], y.ids[k : k + 1, : length - 1]).log_softmax(dim=2)
        expected = -told[0].gather(1, y.ids[k, 1:length, None]).mean()
        torch.testing.assert_close(found[k], expected, atol=1e-4, rtol=1e-4)
    copying = fitted(copying=True)
    assert copying.loss(copying.build().eval(), x, y).shape == (6,)


def test_the_two_sides_share_tokens_unless_they_are_not_to():
    together, apart = fitted(), fitted(shared=False)
    assert together.input.tokenizer is together.target.tokenizer
    assert len(apart.input.tokenizer) != len(apart.target.tokenizer)
    assert "each side has its own" in apart.input.notes()[0]
    rows = demo(4)
    x, y = apart.encode_inputs([e.input for e in rows]), apart.encode_targets([e.target for e in rows])
    assert torch.isfinite(apart.loss(apart.build().eval(), x, y)).all()


def test_a_direction_can_be_turned_round(tmp_path):
    rows = "".join(f"{e.input}\t{e.target}\n" for e in demo(40))
    (tmp_path / "pairs.tsv").write_text(f"en\tde\n{rows}")
    found = sd.check("translate", tmp_path / "pairs.tsv", Columns("de", "en"))
    assert found.usable
    assert "input=en (guessed) target=de (guessed)" in sd.check("translate", tmp_path / "pairs.tsv").notes


def test_pairs_that_look_wrong_are_told_with_their_places():
    rows = demo(400)
    said = [(e.input, e.target) for e in rows]
    assert odd_pairs(rows) == []
    said[7] = said[7][::-1]
    said[9] = (said[9][0], said[9][0])
    long = "The teacher knows the horse and the guest finds the old picture."
    said[11] = (said[11][0], long)
    said[12] = ("Salt &amp; pepper", "Salz &amp; Pfeffer")
    notes = odd_pairs([Example(*pair) for pair in said])
    assert notes == [
        "1 training pair (example 10) has the same text on both sides",
        "1 training pair (example 8) looks as if input and target were exchanged",
        "1 training pair (example 12) looks as if both sides were in one language",
        "1 training pair (example 13) has HTML entities such as &amp;, which are learnt as they stand",
    ]


def test_a_translation_memory_gives_the_translation_of_the_most_similar_text():
    memory = TranslationMemory(["a dog runs", "a cat sleeps on a chair", "two dogs"], ["A", "B", "C"])
    assert [memory.translation(text) for text in ("the cat sleeps", "a dog", "two dogs run", "xyz")] == [*"BACA"]


def test_attention_to_tokens_becomes_attention_to_words():
    weights = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    read, written = np.array([[0, 2], [2, 5], [5, 9]]), np.array([[0, 2], [2, 4], [4, 8]])
    found = by_words(weights, "abcd efg", written, "hallo you", read)
    assert (found.written, found.read) == (("abcd", "efg"), ("hallo", "you"))
    np.testing.assert_allclose(found.shares, [[(0.75 + 0.3) / 2, (0.25 + 0.7) / 2], [1.0, 0.0]])
    assert found.text == "abcd ← hallo 0.53, you 0.47\nefg ← hallo 1.00"
    assert found.render().sheet.width > 60
