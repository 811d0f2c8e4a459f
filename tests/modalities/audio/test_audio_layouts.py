"""Recordings and transcripts as people keep them, and what is wrong with them, by file and line."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from sounding.contract.task import Task
from sounding.data import open_data
from sounding.errors import DataError
from sounding.modalities.audio.audio import Audio
from sounding.modalities.audio.layouts import CLIPS_WITH_TEXTS, COMMON_VOICE, LIBRISPEECH
from sounding.modalities.audio.transcript import Transcribed, Transcript, Word, in_form

RATE = 8000


class Listener(Task):
    """Recordings with transcripts, and no model."""

    layouts = (COMMON_VOICE, LIBRISPEECH, CLIPS_WITH_TEXTS)
    metrics = ()

    def modalities(self):
        return Audio(RATE), Transcript()

    def build(self):
        raise NotImplementedError

    def loss(self, model, x, y):
        raise NotImplementedError

    def predict(self, model, inputs):
        raise NotImplementedError

    def demo(self, rng, n):
        raise NotImplementedError


def clip(path, number=0, **words):
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(RATE // 4) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * (300 + 20 * number) * times), RATE, **words)
    return path


def opened(source):
    data = open_data(Listener(), source)
    rows = [*data.train, *data.validation, *data.test]
    return data, {row.target: row for row in rows}


def test_librispeech(tmp_path):
    for speaker in range(84, 90):
        folder = tmp_path / "Libri" / "dev-clean" / str(speaker) / "121"
        for k in range(4):
            clip(folder / f"{speaker}-121-{k:04}.flac", speaker - 84 + 7 * k)
        lines = [f"{speaker}-121-{k:04} SAID {speaker} AND {'X' * k}" for k in range(4)]
        (folder / f"{speaker}-121.trans.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="train"):  # all of it is for validation
        open_data(Listener(), tmp_path / "Libri")
    (tmp_path / "Libri" / "dev-clean").rename(tmp_path / "Libri" / "train-clean-100")
    _, rows = opened(tmp_path / "Libri")
    assert len(rows) == 24
    assert rows["said 84 and xxx"].group == "84"


def test_common_voice(tmp_path):
    for name, count in (("train", 10), ("dev", 3), ("test", 3)):
        lines = ["client_id\tpath\tsentence\tup_votes"]
        for k in range(count):
            clip(tmp_path / "clips" / f"{name}{k}.mp3", k + 13 * len(name), format="MP3")
            lines.append(f'speaker{k}\t{name}{k}.mp3\t"Well," said {name} {"o" * k}.\t2')
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "invalidated.tsv").write_text("client_id\tpath\tsentence\n")
    data, rows = opened(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (10, 3, 3)
    assert rows["well said train ooo"].group == "speaker3"
    assert not [name for name in data.report.to_json()["ignored"] if "clips" in name]


def test_clips_beside_their_texts_and_what_is_missing_or_double(tmp_path):
    for k in range(12):
        clip(tmp_path / f"a{k}.wav", k)
        (tmp_path / f"a{k}.txt").write_text(f"Word number {'n' * k}!\n")
    clip(tmp_path / "a3.flac", 3)
    clip(tmp_path / "lonely.wav", 40)
    data, rows = opened(tmp_path)
    assert set(rows) == {f"word number {'n' * k}".strip() for k in range(12)}
    assert any("a3.flac and not a3.wav" in note for note in data.report.notes)
    (refused,) = data.report.rejected
    assert "lonely" in refused.where
    assert "lonely.txt" in refused.what


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_manifests_name_what_is_missing_by_line(tmp_path, ending):
    rows = [{"audio_filepath": f"wavs/{k}.wav", "text": f"hello {'x' * k}", "speaker": f"s{k % 6}"} for k in range(12)]
    for k, row in enumerate(rows):
        if k != 5:
            clip(tmp_path / row["audio_filepath"], k)
    if ending == "csv":
        lines = ["audio_filepath,text,speaker", *(",".join(row.values()) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    (tmp_path / f"m.{ending}").write_text("\n".join(lines) + "\n")
    data, found = opened(tmp_path / f"m.{ending}")
    assert len(found) == 11
    assert found["hello xx"].group == "s2"
    (refused,) = data.report.rejected
    assert refused.where == (f"m.{ending}:7" if ending == "csv" else f"m.{ending}:6")
    assert "there is no file" in refused.what


def test_hugging_face_parquet(tmp_path):
    def held(k):
        file = io.BytesIO()
        soundfile.write(file, 0.1 * np.sin(np.arange(4000) * (k + 1) / 20), 2 * RATE, format="FLAC")
        return {"bytes": file.getvalue(), "path": f"{k}.flac"}

    rows = [{"audio": held(k), "text": f"SAY {'A' * (k + 1)}", "id": str(k), "speaker": f"s{k % 8}"} for k in range(16)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    data, found = opened(tmp_path / "train.parquet")
    assert len(found) == 16
    assert found["say aa"].group == "s1"
    assert len(found["say aa"].input) == 2000
    assert "group=speaker" in " ".join(data.report.notes)


# ---- transcripts


@pytest.mark.parametrize(
    ("text", "plain", "written"),
    [
        ("Don’t  go, Mr. O'Brien!", "don't go mr o'brien", "Don't go, Mr. O'Brien!"),
        ("'Quoted'  rock'n'roll -- 'tis", "quoted rock'n'roll tis", "'Quoted' rock'n'roll -- 'tis"),
        ("Ｆｕｌｌ ﬁ STRASSE Straße", "full fi strasse strasse", "Full fi STRASSE Straße"),
        ("snake_case\tand\nlines", "snake case and lines", "snake_case and lines"),
        ("दिल्ली".replace("\u094d", ""), "दिलली", "दिलली"),
    ],
)
def test_the_forms_of_transcripts(text, plain, written):
    if text.isascii() or "’" in text or "Ｆ" in text:
        assert in_form(text, "plain") == plain
    assert in_form(text, "written") == written


def test_transcripts_become_units_and_come_back():
    target = Transcript()
    target.fit(["one two", "three o'clock"])
    x = target.encode(["two one", "", "three"])
    assert x.ids.shape == (3, 7)
    assert x.lengths.tolist() == [7, 0, 5]
    assert target.tokenizer.decode(x.ids[0].tolist()) == "two one"
    again = Transcript()
    again.restore(json.loads(json.dumps(target.state())))
    assert (again.encode(["two one"]).ids == target.encode(["two one"]).ids).all()
    assert "'q' 'u' 'i' 'z'" in target.remark("quiz")
    assert target.remark("two") == ""
    assert "digits" in Transcript().remark("room 7")
    with pytest.raises(DataError, match="holds no words"):
        target.read("…!")


def test_what_a_model_wrote_keeps_its_words():
    value = Transcribed.of([Word("hello", 0.1, 0.5, 0.9), Word("you", 0.6, 0.8, 0.4)], 1.0)
    target = Transcript()
    assert value == "hello you"
    assert target.to_json(value)["words"][1] == {"word": "you", "start": 0.6, "end": 0.8, "confidence": 0.4}
    assert target.answers(value, 0.5, None)[0]["chunks"][0] == {"text": "hello", "timestamp": (0.1, 0.5)}
    assert len(target.marks(value).shapes) == 4
    import pickle

    assert pickle.loads(pickle.dumps(value)).words == value.words
