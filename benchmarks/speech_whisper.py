"""Whisper's tiny.en on an4: how fast and how well it transcribes, beside transformers on the same weights.

    SOUNDING_DATA=DIR python benchmarks/speech_whisper.py [--clips 130] [--threads 1] [--precisions fp32 bf16]
        [--tune 10m [--set key=value …]] [--out runs-whisper]

The weights are those of --from whisper-tiny.en (the extra `pretrained`); DIR/an4 is as for benchmarks/speech.py. Each
side runs in a process of its own and hears one test clip at a time, from samples to text, greedily and in windows of 30
seconds; they take turns clip by clip, and the seconds that count are those of the processor. *transformers* computes in
fp32: WhisperFeatureExtractor, `generate` and the tokenizer. *sounding* tells besides when each word was said and how
sure it is. Prints seconds of speech that are transcribed in one, the median ratio of the clips with 5 % and 95 %, and
the share of transcripts that are the same to the letter; then word and character error rates of the weights as they
are on these clips, with intervals over speakers. With --tune besides those of the weights with numbers in words
(digits=no), and fine-tuned for so long. Needs transformers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import common
import numpy as np
import sides
import torch

from sounding.applications.speech.transcribe.task import Transcribe, TranscribeRecipe
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Record
from sounding.contract.task import Task, built
from sounding.data import open_data
from sounding.data.columns import Columns
from sounding.evaluation.evaluation import estimate, evaluate, groups_of
from sounding.machine.setting import Setting, inference
from sounding.modalities.audio.transcript import in_form
from sounding.runs.transfer import opened, transfer

WEIGHTS, LONGEST = "whisper-tiny.en", 200
"""The weights, and the tokens that a clip may take."""
COLUMNS = Columns("audio", "text", "speaker")
Write = Callable[[np.ndarray], str]


def main() -> None:
    parser = common.options(__doc__, "runs-whisper")
    parser.add_argument("--clips", type=int, default=130)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--tune", default="", help="how long it is fine-tuned; not at all by default")
    parser.add_argument("--side", choices=sides.SIDES, help=argparse.SUPPRESS)
    options = common.parsed(parser, "an4/train.parquet", "an4/test.parquet")
    torch.set_num_threads(options.threads)
    if options.side:
        served(options)
        return
    heard = speeds(options)
    print(common.heads("weights", "WER", "CER", "training"))
    said("as they are", Transcribe().metrics, heard, "")
    if options.tune:
        errors(options)


def errors(options: argparse.Namespace) -> None:
    """The errors with numbers in words, and after a fine-tuning."""
    task, model = as_it_is("plain")
    setting = Setting(precision="bf16", threads=options.threads)
    records = evaluate(task.with_options({"digits": False}), model, test_rows(options, task), setting)
    said("as they are, digits=no", task.metrics, records, "")
    for seed in options.seeds:
        given = {"start": WEIGHTS, "columns": COLUMNS, "time": options.tune, "seed": seed, **options.settings}
        out = common.place(options, "tuned", options.tune, seed)
        run = common.trained("transcribe", options.data / "an4", out, **given)
        records = evaluate(run.task, run.module, list(run.dataset().test), run.setting)
        spent = common.spent(run)
        facts = f"{spent['seconds'] / 60:.1f} min, {spent['steps']:,} steps"
        said(f"fine-tuned, seed {seed}", run.task.metrics, records, facts)


def as_it_is(form: str) -> tuple[Transcribe, torch.nn.Module]:
    """The published weights, without a training."""
    start = opened(WEIGHTS)
    shaping = {name: start.shaping[name] for name in TranscribeRecipe.shaping if name in start.shaping}
    task = Transcribe(TranscribeRecipe.make("small", {**shaping, "dropout": 0.0, "form": form}))
    task.target.adopt(start.target)
    model = built(task)
    model.load_state_dict(transfer(start.weights, model).weights, strict=False)
    return task, model.eval().requires_grad_(False)


def test_rows(options: argparse.Namespace, task: Task) -> Sequence[Example]:
    """The clips that are measured on."""
    return list(open_data(task, options.data / "an4", COLUMNS).test[: options.clips])


def said(name: str, metrics: Sequence[Metric], records: Sequence[Record], facts: str) -> None:
    """A row of the table of errors."""
    scores = (estimate(metric, records, groups_of(records)) for metric in metrics)
    print(common.row(name, *scores, facts), flush=True)


def speeds(options: argparse.Namespace) -> list[Record]:
    """The table of speeds; gives what was heard in the last precision, in the plain form of transcripts."""
    print(common.heads("processor", "what", "sounding × real", "transformers × real", "faster by", "the same"))
    heard: list[Record] = []
    for precision in options.precisions:
        words = ["--threads", options.threads, "--clips", options.clips, "--precisions", precision]
        both = [sides.Side(__file__, side, *words) for side in sides.SIDES]
        for side in both:
            side.ask({"clip": 0})  # what is made once
        rounds = [[side.ask({"clip": clip}) for side in both] for clip in range(options.clips)]
        same = np.mean([ours["text"] == theirs["text"] for ours, theirs in rounds])
        print(sides.row(options.threads, precision, rounds, f"{same:.1%}"), flush=True)
        for ours, theirs in rounds:
            if ours["text"] != theirs["text"]:
                print(f"    {ours['text']!r} and {theirs['text']!r}", flush=True)
        for side in both:
            side.process.kill()
        heard = [Record(in_form(a["text"], "plain"), a["truth"], None, 0.0, a["speaker"]) for a, _ in rounds]
    return heard


def served(options: argparse.Namespace) -> None:
    """Answer questions of one side."""
    task, model = as_it_is("written")
    rows = test_rows(options, task)
    write = ours(task, model, options) if options.side == "sounding" else theirs()

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        row = rows[question["clip"]]
        sound = row.input
        began = time.process_time()
        text = write(sound)
        seconds = time.process_time() - began
        told = {"text": " ".join(text.split()), "truth": in_form(row.target, "plain"), "speaker": row.group}
        return {"rate": len(sound) / task.input.rate / seconds, **told}

    sides.serve(answer)


def ours(task: Task, model: Any, options: argparse.Namespace) -> Write:
    setting = Setting(precision=options.precisions[0], threads=options.threads)

    def write(sound: np.ndarray) -> str:
        with inference(setting):
            return str(task.predict(model, [sound])[0].value)

    return write


def theirs() -> Write:
    import transformers

    transformers.logging.set_verbosity_error()
    folder: Path | None = opened(WEIGHTS).published
    assert folder is not None
    net = transformers.WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    heard = transformers.WhisperFeatureExtractor()

    @torch.inference_mode()
    def write(sound: np.ndarray) -> str:
        x = heard(sound, sampling_rate=heard.sampling_rate, return_tensors="pt").input_features
        ids = net.generate(x, do_sample=False, num_beams=1, max_new_tokens=LONGEST)[0].tolist()
        return tokenizer.decode([number for number in ids if number < net.config.eos_token_id])

    return write


if __name__ == "__main__":
    main()
