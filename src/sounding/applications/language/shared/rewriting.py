"""What translating and summarizing have in common: a text is read, another one is written.

An encoder with a decoder learns each next token of the text that is written. An answer is searched with beams.

Legend of shapes: B batch, T tokens that are written, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sounding.applications.language.shared.alignment import by_words
from sounding.applications.language.shared.begun import begun_pair, pair
from sounding.applications.language.shared.behaviours import behaviours
from sounding.applications.language.shared.rewriters import RewritingRecipe, recurrent, transformer
from sounding.applications.language.shared.rewritten import Read, Rewritten, Written
from sounding.applications.language.shared.stand_in import StandIn
from sounding.applications.language.shared.writing import BestText, Limits, RewritingOptions
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.lora import merge
from sounding.architectures.rewriter import Rewriter
from sounding.contract.behaviour import Behaviour
from sounding.contract.graph import Graph
from sounding.contract.postprocessing import Networks
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.contract.tree import arrays
from sounding.contract.writing import Decoder
from sounding.decoding.source_decoder import source_decoder
from sounding.decoding.step_graphs import cache_shape, source_graphs
from sounding.decoding.stepped import CacheShape
from sounding.errors import UsageError
from sounding.modalities.text.known_words import KnownWords
from sounding.modalities.text.text import Tokens
from sounding.modalities.text.tokenizer import Tokenizer

LEAST_VOCABULARY = 512
"""Tokens that there are at least: 256 are single bytes."""
TELLING = 50
"""Words of training text for each token of a vocabulary: what a few texts have is soon too rare to be learnt."""


class Rewriting(Task):
    """A task whose inputs and answers are texts. A subclass says what they are called, and how they are judged."""

    Recipe = RewritingRecipe
    Options = RewritingOptions
    not_exported = "the states of a recurrent net (model=rnn) are not written down"
    recipe: RewritingRecipe
    options: RewritingOptions
    writes: ClassVar[type[BestText]] = BestText
    """How a text is written."""
    input: Read
    target: Written

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """How long answers are, where no option says it."""

    # ---- texts

    def fit(self, examples: Sequence[Example]) -> None:
        """Train the tokenizer, of both texts together where they share it."""
        r, notes = self.recipe, []
        if not self.input.given:
            words = sum(len(e.input.split()) + len(e.target.split()) for e in examples)
            size = max(LEAST_VOCABULARY, min(r.vocabulary, words // TELLING)) if r.tokenizer == "bpe" else r.vocabulary
            sides = [(text for e in examples for text in (e.input, e.target))]
            if not r.shared:
                sides = [(e.input for e in examples), (e.target for e in examples)]
            made = [Tokenizer.train(r.tokenizer, side, size, 2) for side in sides]
            self.input.learnt(made[0])
            self.target.learnt(made[-1])
            self.input.known = KnownWords.of(example.input for example in examples)
            how = "both sides together" if r.shared else "each side has its own"
            notes.append(f"the tokenizer ({r.tokenizer}, {how}) has {' and '.join(f'{len(t):,}' for t in made)} tokens")
        elif not self.target.given:
            self.target.learnt(self.input.tokenizer)
        self.input.learnt(self.input.tokenizer, [*notes, *self._cut(examples), *self.told(examples)])

    def _cut(self, examples: Sequence[Example]) -> list[str]:
        """How many texts are longer than what is read of them."""
        found = []
        for name, side, texts in (
            ("input", self.input, (e.input for e in examples)),
            ("target", self.target, (e.target for e in examples)),
        ):
            long = sum(len(side.tokenizer.ids(text)) > side.room for text in texts)
            if long:
                noun = f"{name}s are" if long > 1 else f"{name} is"
                found.append(f"{long:,} training {noun} longer than {side.room:,} tokens, and cut there")
        return found

    def told(self, examples: Sequence[Example]) -> list[str]:
        """What should be said of the training rows; nothing by default."""
        return []

    def length(self, example: Example) -> int:
        """The tokens of the longer text."""
        return max(self.input.length(example.input), self.target.length(example.target))

    def note(self, input: str) -> str:
        """That a text is longer than what is read of it; that it is unlike the training texts."""
        return "; ".join(filter(None, (self.too_long(input), self.input.unlike(input))))

    def too_long(self, input: str) -> str:
        """That a text is longer than what is read of it."""
        length, most = len(self.input.tokenizer.ids(input)), self.input.room
        return f"the text has {length:,} tokens, of which the first {most:,} are read" if length > most else ""

    def behaviours(self, train: Sequence[Example]) -> Mapping[str, Behaviour]:
        """A full stop added or lost; a number, a name exchanged."""
        return behaviours(train)

    # ---- the net

    def build(self) -> nn.Module:
        """The net that the recipe shapes, or that of published weights, to which nothing that copies is added."""
        r = self.recipe
        if r.model == "rnn":
            return recurrent(r, len(self.input.tokenizer), len(self.target.tokenizer))
        if r.architecture and r.copying:
            raise UsageError("published weights hold nothing that copies", fix="Leave copying out, or --from")
        return begun_pair(lambda: transformer(r, len(self.input.tokenizer), len(self.target.tokenizer)), r, r.dropout)

    def calibrate(self, model: nn.Module, validation: Sequence[Example], train: Sequence[Example]) -> bool:
        """What lora has learnt becomes a part of the weights."""
        return merge(model)

    def embedding_layer(self, model: nn.Module) -> nn.Module:
        """The vectors of the tokens that are read."""
        assert isinstance(model, Rewriter)
        return model.source_tokens

    def loss(self, model: nn.Module, x: Tokens, y: Tokens) -> Tensor:
        """Mean nats of a token, the end among them [B]; smoothed in training."""
        nats = self._nats(model, x, y, self.recipe.smoothing if model.training else 0.0)
        return nats.sum(dim=1) / (y.lengths - 1).clamp(min=1)

    def _nats(self, model: nn.Module, x: Tokens, y: Tokens, smoothing: float = 0.0) -> Tensor:
        """The nats of each token after the first [B, T - 1]; 0 where there is none."""
        assert isinstance(model, Rewriter)
        asked = y.ids[:, 1:]
        within = torch.arange(asked.shape[1], device=asked.device) < (y.lengths - 1)[:, None]
        vectors, source = model.vectors(x.ids, y.ids[:, :-1], x.lengths)
        if model.pointer is not None and not smoothing:
            return -model.pointer.told(vectors, model.logits(vectors), source, asked) * within
        # Where nothing is copied, the scores of padding are not computed.
        logits = model.logits(vectors[within]) if model.pointer is None else model.scores(vectors, source)[within]
        told = F.cross_entropy(logits.float(), asked[within], reduction="none", label_smoothing=smoothing)
        return torch.zeros(asked.shape, device=asked.device).masked_scatter(within, told)

    # ---- answers

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """What is written for each text, as the options say; confidence is the geometric mean over its tokens."""
        if not len(inputs):
            return []
        x = self.encoded(model, inputs)
        found = self._best_text(model).answers(partial(self.decoder, model, x), arrays(x), inputs, self.target)
        if not self.options.alignment:
            return found
        return [replace(each, value=self._aligned(model, each.value)) for each in found]

    def _best_text(self, model: nn.Module) -> BestText:
        """How a text is written; of a recurrent net there is no cache to be told of."""
        never = pair(self.recipe).writing.never if self.recipe.architecture else ()
        context, shape = 0, CacheShape(0, 0, 0)
        if isinstance(model, EncoderDecoder):
            config = model.decoder.transformer.config
            context, shape = config.context, cache_shape(config)
        assert isinstance(model, Rewriter)
        return self.writes(self.options, self.limits, never, context, shape, model.pointer is not None)

    def decoder(self, model: nn.Module, x: Any, room: int) -> Decoder:
        """The model, which writes texts of at most `room` tokens."""
        if isinstance(model, StandIn):
            return model.decoder(x, room)
        assert isinstance(model, Rewriter)
        return source_decoder(model, x.ids, x.lengths, room)

    # ---- exported

    def postprocessing(self, model: nn.Module) -> BestText | None:
        """How a text is written, token after token; nothing for a recurrent net."""
        return self._best_text(model) if isinstance(model, EncoderDecoder) else None

    def graphs(self, model: nn.Module) -> Mapping[str, Graph]:
        """What reads, and what writes."""
        assert isinstance(model, EncoderDecoder)
        return source_graphs(model)

    def standing_in(self, model: nn.Module, outputs: Callable[[Any], Any]) -> nn.Module:
        """A net whose scores are those of exported networks."""
        assert isinstance(model, EncoderDecoder)
        assert isinstance(outputs, Networks)
        return StandIn(model, self._best_text(model), outputs).eval()

    # ---- answers that are looked into

    @torch.inference_mode()
    def _aligned(self, model: nn.Module, text: Rewritten) -> Rewritten:
        """The text with what was looked at for each of its words."""
        assert isinstance(model, Rewriter)
        x, y = self.encoded(model, [text.source]), self.encoded_targets(model, [text])
        weights = model.alignment(x.ids, y.ids[:, :-1], x.lengths)[0].float().cpu().numpy()
        written, read = self.target.encoded(text).offsets[1:], self.input.encoded(text.source).offsets
        return Rewritten.of(text, text.source, text.ended, by_words(weights, text, written, text.source, read))

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """A record for each row. Rows of like length are answered together, which changes nothing but the time."""
        order = sorted(range(len(examples)), key=lambda k: len(examples[k].input))
        records = dict(zip(order, super().evaluate_rows(model, [examples[k] for k in order]), strict=True))
        return [records[k] for k in range(len(examples))]
