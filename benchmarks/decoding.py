"""How fast an encoder-decoder writes, beside `generate` of transformers on the same weights.

    python benchmarks/decoding.py [--run RUN] [--batches 1 32] [--beams 1 4] [--rounds 5] [--threads 1]
        [--sentences 64] [--length 20] [--precision fp32]

The net is that of RUN, a finished run of `translate` with the default net, and reads sentences of its test rows; each
text ends where the model ends it, which is what somebody who translates would see. Without --run it is the default net
of `translate` with random weights and 8,000 tokens, reads 8 to 20 random tokens and writes `--length`. Each side runs
in a process of its own, and they take turns: *sounding* as a run answers, *transformers* as M2M100 in fp32, which
computes the same (benchmarks/peers.py). Prints target tokens a second, milliseconds a sentence, the median ratio of
neighbouring rounds, and the share of answers that are the same: in fp32 all but those that rounding decides. One where
fewer than 97 of 100 are ends the command in fp32. Needs transformers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import common
import numpy as np
import peers
import sides
import torch
from torch import nn

import sounding as sd
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import TransformerConfig
from sounding.decoding.beam import Beams, BeamSearch
from sounding.decoding.source_decoder import SourceDecoder
from sounding.machine.setting import Setting, inference, prepare

VOCABULARY, SHORTEST, LONGEST = 8000, 8, 20
START, NEVER = 2, -1
SAME = 0.97
"""The share of answers that have to be the same in fp32."""
Sources = list[list[int]]
Write = Callable[[Sources, int, int], Sources]
"""Source tokens, beams and the longest text that may be written → the tokens of each text."""


def main() -> None:
    parser = sides.parser(__doc__, [1, 32])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--sentences", type=int, default=64, help="of a round; those of batch 1 are a quarter of them")
    parser.add_argument("--length", type=int, default=20, help="tokens that are written, without --run")
    parser.add_argument("--precision", default="fp32", help="of sounding: fp32 or bf16")
    options = parser.parse_args()
    prepare()
    torch.set_num_threads(options.threads)
    if options.side:
        served(options)
        return
    words = ["--threads", options.threads, "--length", options.length, "--precision", options.precision]
    words += ["--sentences", options.sentences, *([] if options.run is None else ["--run", options.run])]
    both = [sides.Side(__file__, side, *words) for side in sides.SIDES]
    heads = (
        "processor",
        "what",
        "sounding tokens/s",
        "transformers tokens/s",
        "faster by",
        "ms a sentence",
        "the same",
    )
    print(common.heads(*heads))
    for beams in options.beams:
        for batch in options.batches:
            question = {"batch": batch, "beams": beams}
            rounds = [[side.ask(question) for side in both] for _ in range(options.rounds + 1)][1:]
            what = f"{options.precision}, batch {batch}, {'greedy' if beams == 1 else f'{beams} beams'}"
            print(sides.row(options.threads, what, rounds, *more(rounds, options.precision)), flush=True)
    for side in both:
        side.process.kill()


def more(rounds: list[list[dict[str, Any]]], precision: str) -> tuple[str, str]:
    """Milliseconds of a sentence on both sides, and the share of the answers that are the same."""
    ours, theirs = (np.median([each[side]["ms"] for each in rounds]) for side in range(2))
    same = np.mean([a == b for each in rounds for a, b in zip(each[0]["ids"], each[1]["ids"], strict=True)])
    if precision == "fp32" and same < SAME:
        raise SystemExit(f"the two sides wrote the same texts for only {same:.0%} of the sentences")
    return f"{ours:.1f}, {theirs:.1f}", f"{same:.1%}"


def served(options: argparse.Namespace) -> None:
    """Answer questions of one side."""
    net, texts, start, end, longest = given(options)
    sources = texts[: options.sentences]
    write = ours(net, start, end, options) if options.side == "sounding" else theirs(net, start, end, options)

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        batch = question["batch"]
        some = sources if batch > 1 else sources[: max(1, len(sources) // 4)]
        began, found = time.perf_counter(), []
        for first in range(0, len(some), batch):
            rows = some[first : first + batch]
            found += write(rows, question["beams"], longest(max(map(len, rows))))
        seconds = time.perf_counter() - began
        written = sum(len(ids) + (end != NEVER) for ids in found)
        return {"rate": written / seconds, "ms": 1000 * seconds / len(some), "ids": found}

    sides.serve(answer)


def given(options: argparse.Namespace) -> tuple[EncoderDecoder, Sources, int, int, Callable[[int], int]]:
    """The net, source texts, the tokens that begin and end a text, and how long it may be for a source so long."""
    if options.run is None:
        random = np.random.default_rng(0)
        lengths = random.integers(SHORTEST, LONGEST + 1, options.sentences)
        texts = [random.integers(5, VOCABULARY, length).tolist() for length in lengths]
        return random_net(), texts, START, NEVER, lambda source: options.length
    model = sd.load(options.run)
    task = model.task
    rows = [task.input.encoded(row.input).ids for row in model.dataset().test[: options.sentences]]
    net = model.module.eval()
    limits = task.limits

    def longest(source: int) -> int:
        return limits.each * source + limits.more

    return net, [list(map(int, ids)) for ids in rows], task.target.ahead[0], task.target.end, longest


def random_net() -> EncoderDecoder:
    """The default net of `translate` with weights that make something of what it reads."""
    shape: dict[str, Any] = {"width": 256, "layers": 3, "heads": 4, "feed_forward": 512, "activation": "relu"}
    shape |= {"positions": "sinusoidal", "embedding_scale": 16.0, "context": 256}
    torch.manual_seed(0)
    decoder = TransformerConfig(VOCABULARY, **shape, causal=True, memory=True)
    net = EncoderDecoder(TransformerConfig(VOCABULARY, **shape), decoder)
    for name, weights in net.named_parameters():
        if weights.ndim == 2 and "tokens" not in name:
            nn.init.normal_(weights, std=weights.shape[1] ** -0.5)
    return net.eval()


def ours(net: EncoderDecoder, start: int, end: int, options: argparse.Namespace) -> Write:
    setting = Setting(precision=options.precision, threads=options.threads)

    def write(sources: Sources, beams: int, longest: int) -> Sources:
        ids, lengths = padded(sources)
        with inference(setting):
            decoder = SourceDecoder(net, ids, lengths, 1 + longest)
            search = BeamSearch(decoder, [[start]] * len(sources), Beams(beams), longest, (end,))
            return [list(texts[0].ids) for texts in search.run()]

    return write


def theirs(net: EncoderDecoder, start: int, end: int, options: argparse.Namespace) -> Write:
    model = peers.m2m100(net, start, end)
    model.generation_config.update(max_length=None, eos_token_id=None if end == NEVER else end, early_stopping=False)

    def write(sources: Sources, beams: int, longest: int) -> Sources:
        ids, lengths = padded(sources)
        mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
        found = model.generate(ids, attention_mask=mask, num_beams=beams, max_new_tokens=longest, do_sample=False)
        return [until(text[1:], end) for text in found.tolist()]

    return write


def padded(sources: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [B, S], 0 behind the shorter texts, and lengths [B]."""
    texts = [torch.tensor(text) for text in sources]
    return nn.utils.rnn.pad_sequence(texts, batch_first=True), torch.tensor([len(text) for text in texts])


def until(text: list[int], end: int) -> list[int]:
    """The tokens before the one that ends a text."""
    return text[: text.index(end)] if end in text else text


if __name__ == "__main__":
    main()
