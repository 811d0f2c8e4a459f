"""A small summarizer trained on its demonstration notices: what it writes, what it reads, and what it refuses."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sounding as sd
from sounding.applications.language.summarize.task import Summarize
from sounding.contract.modality import Row
from sounding.contract.records import Example
from sounding.data import open_data
from sounding.errors import DataError, UsageError
from sounding.evaluation.evaluation import evaluate
from sounding.randomness import stream

NEW = (
    "Many people came. The library of Pelholm got 471 old prints from a school. "
    "The mayor gave a speech. Everybody may read them."
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "summarize"
    return sd.train("summarize", "demo", out=out, size="tiny", steps=150, card=None, looked_at=20)


def test_names_and_numbers_that_training_never_had_are_copied(run):
    known = " ".join(row.input for row in run.dataset().train)
    fresh = [row for row in run.task.demo(stream("fresh"), 1000) if not set(names(row)) & set(known.split())][:20]
    assert len(fresh) == 20
    answers = run([row.input for row in fresh])
    right = [names(row) == names(Example("", answer.text)) for row, answer in zip(fresh, answers, strict=True)]
    assert sum(right) >= 16


def names(row):
    """The town and the number of a summary."""
    return tuple(re.findall(r"of (\w+) gets (\d+)", row.target)[0]) if " gets " in row.target else ()


def test_an_answer_tells_the_sentences_it_was_drawn_from(run):
    (answer,) = run(NEW)
    assert answer.ended
    assert answer.sources[0]["numbers"] == (2,)
    assert answer.sources[0]["drawn_from"] == ("The library of Pelholm got 471 old prints from a school.",)


def test_the_pipeline_answers_with_the_keys_of_hugging_face(run):
    ask = sd.pipeline("summarization", run.dir)
    (one,) = ask(NEW)
    assert list(one) == ["summary_text"]
    assert ask([NEW, NEW]) == [[one], [one]]


def test_a_copy_mechanism_is_what_copies(run):
    """The same net without it never says a word that its tokens tell from no other."""
    assert run.module.pointer is not None
    without = Summarize(Summarize.Recipe.make("tiny", {"copying": False}))
    without.fit([Example(NEW, "Library of Marwell gets 4711 prints.")])
    assert without.build().pointer is None


def test_an_answer_is_never_empty_nor_endless_nor_repeats_itself(run):
    for text in (NEW, "!", "library " * 700, "zzz qqq. xxx"):
        (answer,) = run(text, beams=1)
        assert answer.text.strip()
        assert len(run.task.target.tokenizer.ids(answer.text)) <= run.task.target.most
    ids = run.task.target.tokenizer.ids(run("The library of Pelholm got 471 old prints. " * 20)[0].text).tolist()
    threes = list(zip(ids, ids[1:], ids[2:], strict=False))
    assert len(set(threes)) == len(threes)
    assert len(run.task.target.tokenizer.ids(run(NEW, length=4)[0].text)) <= 4
    assert not run(NEW, length=4)[0].ended


def test_tokens_that_make_no_text_give_way_to_the_first_sentence(run, monkeypatch):
    monkeypatch.setattr(type(run.task.target.tokenizer), "decode", lambda self, ids: " \n")
    assert run(NEW)[0].text == "Many people came."


def test_the_longest_training_summaries_say_how_long_an_answer_may_be(run):
    tokenizer, rows = run.task.target.tokenizer, run.dataset().train
    lengths = sorted(len(tokenizer.ids(row.target)) for row in rows)
    assert lengths[0] <= run.task.target.least <= lengths[len(lengths) // 10]
    assert lengths[-1] <= run.task.target.most <= 2 * lengths[-1] + 4


def test_the_card_has_extractive_baselines_and_what_was_done_with_long_documents(run):
    found = run.task.baselines(run.dataset().train, run.dataset().test)
    assert list(found) == [
        "the first sentence (lead-1)",
        "the first three sentences (lead-3)",
        "the most central sentence (TextRank)",
    ]
    headline, test = run.task.metrics[0], run.dataset().test
    model = evaluate(run.task, run.module, test)
    assert headline.value(model) > max(headline.value(records) for records in found.values())
    lead = found["the first three sentences (lead-3)"]
    assert [str(r.value) for r in lead] == [
        " ".join(re.findall(r"[^.]*\.", e.input)[:3]).replace("  ", " ") for e in test
    ]
    details = run.task.details(model)
    assert details["long_documents"] == f"0 of {len(test)} documents that were summarized are longer than 510 tokens"
    assert details["answers_without_an_end"] == 0


# ---- documents that are too long


@pytest.mark.parametrize("long", ["first", "central"])
def test_documents_beyond_the_context_are_counted_and_it_is_said_what_is_read(tmp_path, long):
    task = Summarize(Summarize.Recipe.make("tiny", {"context": 22, "long": long}))
    pairs = task.demo(stream("test"), 40)
    data = open_data(task, [*pairs, *(Example(f"Short {k}. Text.", "Short.") for k in range(10))])
    told = [note for note in data.report.notes if "longer than 20 tokens" in note]
    assert len(told) == 1
    count, of = map(int, re.match(r"(\d+) of (\d+) training documents are", told[0]).groups())
    room = task.input.room
    assert count == sum(len(task.input.tokenizer.ids(row.input)) > room for row in data.train)
    assert of == len(data.train)
    words = "its first 20 tokens are read" if long == "first" else "its most central ones are read"
    assert words in told[0]
    assert words in task.note(pairs[0].input)
    assert not task.note("Short. Text.")


def test_a_rule_for_long_documents_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match=r"long=centrl is not known.*central"):
        Summarize.Recipe.make("tiny", {"long": "centrl"})


# ---- files


def table(tmp_path, kind, rows):
    path = tmp_path / f"pairs.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        sign = "," if kind == "csv" else "\t"
        lines = [rows[0].keys(), *(row.values() for row in rows)]
        path.write_text("".join(sign.join(f'"{cell}"' for cell in line) + "\n" for line in lines))
    return path


def rows(n=20, **more):
    pairs = Summarize().demo(stream("rows"), n)
    return [{"id": str(k), "article": p.input, "highlights": p.target, **more} for k, p in enumerate(pairs)]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_columns_of_documents_and_summaries_are_found_in_every_kind_of_table(tmp_path, kind):
    report = sd.check("summarize", table(tmp_path, kind, rows()))
    assert (report.rows, len(report.rejected)) == (20, 0)
    assert "input=article (guessed) target=highlights (guessed)" in report.notes


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_several_references_are_read_the_first_is_learnt_and_all_are_compared_with(tmp_path, kind, run):
    several = [{**row, "highlights": ["Something else.", row["highlights"]]} for row in rows()]
    path = table(tmp_path, kind, several)
    task = Summarize()
    data = open_data(task, path)
    example = next(iter(data.train))
    assert example.target == "Something else." or example.target.all[0] == "Something else."
    alone = open_data(Summarize(), [Example(r["article"], "Something else.") for r in several])
    ids = task.encode_targets([example.target]).ids
    assert task.target.tokenizer.decode(ids[0].tolist()).strip() == "Something else."
    assert len(alone.train)
    found = run.evaluate(path, sd.Columns("article", "highlights"))
    assert found["ROUGE-1"].value > 50  # of the second one


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"article": "A text here."}\n' * 9)
    with pytest.raises(DataError, match=r"bad\.jsonl: no column fits as the target \(summary\)"):
        sd.check("summarize", path)
    with pytest.raises(DataError, match="there is no column 'summry'"):
        sd.check("summarize", table(tmp_path, "jsonl", rows()), sd.Columns(target="summry"))


@pytest.mark.parametrize(
    ("document", "summary", "told"),
    [
        ('" "', '"A summary."', "bad.jsonl:2: the input is empty"),
        ('"A text."', '""', "bad.jsonl:2: the target is empty"),
        ('"A text."', '["One.", "", "Three."]', "bad.jsonl:2: summary 2 of 3: the text is empty"),
        ('"A text."', "[]", "bad.jsonl:2: the list of summaries is empty"),
        ('"A text."', '{"a": "One."}', "bad.jsonl:2: {'a': 'One.'} is a dict, not text"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(tmp_path, document, summary, told):
    good = '{"document": "A text of some words.", "summary": "A text."}\n'
    bad = f'{{"document": {document}, "summary": {summary}}}\n'
    path = tmp_path / "bad.jsonl"
    path.write_text(good + bad + good)
    (row,) = sd.check("summarize", path).rejected
    assert told in str(row)


def test_summaries_that_are_no_shorter_than_their_document_are_told(tmp_path):
    odd = [{"id": f"x{k}", "article": f"Two {k}.", "highlights": "More than two words."} for k in range(20)]
    path = table(tmp_path, "jsonl", [*rows(), *odd])
    notes = open_data(Summarize(), path).report.notes
    (told,) = [note for note in notes if "not shorter than the document" in note]
    assert re.match(r"\d+ training summaries are not shorter than the document \(pairs\.jsonl:\d+", told)


def test_data_are_taken_for_summaries_only_where_the_answers_are_shorter_texts(tmp_path):
    long = [{**row, "article": f"{row['article']} {row['article'].upper()}"} for row in rows()]
    assert sd.check("", table(tmp_path, "jsonl", long)).notes[0].startswith("read as summarize")
    alike = [Row("", "One text here.", "Another text."), Row("", "Two texts.", "Three texts here.")]
    labels = [Row("", "One text here.", "good"), Row("", "Two texts.", "bad")]
    assert max(Summarize().likelihood(some)[0] for some in (alike, labels)) < 0.3


def test_a_list_in_place_of_a_document_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"\['a'\] is a list, not text"):
        Summarize().input.read(["a"])
