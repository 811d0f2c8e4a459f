"""Weights of one model as the start of another: where they come from, and which of them find a place.

    located    what --from names, as it is found from any folder
    opened     a run folder, a published one, a file of weights, hub:NAME or a network's name, as weights by name
    transfer   those of them that fit a new model
    advice     what to set where too few do

Names need not be equal. A classifier's network may be the backbone of a detector: `1.stages.0.…` in the one is
`backbone.stages.0.…` in the other. So that beginning of the old names is sought which, exchanged for one of the new,
gives the most weights a counterpart of equal name and shape.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sounding.architectures import checkpoints, pretrained
from sounding.architectures.backbones import NAMES
from sounding.architectures.checkpoints import Shape, SingleShape, SpeechShape, ctranslate2
from sounding.architectures.layers import Normalize
from sounding.architectures.older_weights import OlderWeights
from sounding.contract.recipe import Recipe
from sounding.data.record import RowRecord
from sounding.errors import DataError, UsageError
from sounding.modalities.audio.spoken_tokens import SpokenTokens
from sounding.modalities.audio.whisper_features import RATE
from sounding.modalities.text.pairs import tokenizers_in
from sounding.modalities.text.tokenizer import Tokenizer
from sounding.runs import hub, published, publishing
from sounding.runs.converting import converted
from sounding.runs.folder import Run
from sounding.wording import percent

LEAST = 0.3
"""A smaller share of the new model's parameters than this is hardly a start …"""
MOST = 0.5
"""… unless this share of the old tensors found a place: a large new part on a backbone that came whole."""
PART = 0.25
"""Names are changed only where at least this share of the tensors of one of the models agrees under others."""

LONGEST = 512
"""Tokens that are read with a published Transformer, unless more are asked for: some could see many thousands."""

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Start:
    """Weights by name, where they are from in words, and the fields of a recipe that shape their network.

    `input` and `target` are the states of what they read and write, where these belong to them; `record` the rows that
    they were trained on, where a run keeps these; `published` the folder of weights as Hugging Face writes them.
    """

    weights: dict[str, Tensor]
    origin: str
    shaping: dict[str, Any]
    input: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    record: RowRecord | None = None
    published: Path | None = None


@dataclass(frozen=True)
class Transfer:
    """What was taken: weights by the new names, what share of the new model's parameters they are, what stays random.

    `used` is the share of the old tensors that found a place; `adapted` are those turned from colour to grey or back.
    """

    weights: dict[str, Tensor]
    share: float
    left: list[str]
    used: float = 1.0
    adapted: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """What the run folder and the card say of it."""
        shares = {"share": round(self.share, 4), "used": round(self.used, 4)}
        return {"tensors": len(self.weights), **shares, "left_random": self.left, "adapted": self.adapted}


def located(start: str | Path) -> str:
    """`start` as it is found from any folder: a path from the root; what is no path, and nothing, as it is."""
    named = not start or str(start).startswith(hub.PREFIX) or _is_network(str(start))
    return str(start) if named else str(Path(start).resolve())


def _is_network(start: str) -> bool:
    """Whether this is the name of a network whose weights a package brings, and nothing that lies here."""
    return start in published.PACKAGES and not Path(start).exists()


def opened(start: str) -> Start:
    """The weights that `start` names: hub:NAME, a file, a run folder, a folder as Hugging Face writes it, or a network
    whose weights are installed.

    Raises DataError for a file that is not understood, RunError for a folder that is no run.
    """
    if start.startswith(hub.PREFIX):
        path = hub.fetched(start)
    else:
        path = published.installed(start) if _is_network(start) else Path(start)
    if not os.path.isdir(path) and path.suffix.lower() in pretrained.SUFFIXES:
        found = pretrained.read(path)
        scale = {"scale.mean": _channels(found.mean), "scale.std": _channels(found.std)}
        return Start({**found.weights, **scale}, found.origin, _shaping({"network": found.network}))
    path = converted(path) if ctranslate2.is_one(path) else path
    if checkpoints.is_checkpoint(path):
        return _published(path)
    run = Run.open(path)
    earlier = (run.config.get("transfer") or {}).get("origin")
    origin = f"{start}, which began with {earlier}" if earlier else start
    config = run.model_config()
    again = run.dir / "best" / publishing.FOLDER
    layout = again if checkpoints.is_checkpoint(again) else None
    sides = config.get("input", {}), config.get("target", {})
    return Start(run.weights(), origin, _shaping(config["recipe"]), *sides, run.record, layout)


def _published(folder: Path) -> Start:
    """A Transformer as Hugging Face publishes it, with its tokenizer."""
    checkpoint = checkpoints.read(folder)
    input, target = _tokenizers(folder, checkpoint.shape)
    shaping: dict[str, Any] = {"architecture": checkpoints.shape_of(checkpoint.layout, checkpoint.shape)}
    if isinstance(checkpoint.shape, SpeechShape):
        shaping |= {"model": checkpoint.layout, "rate": RATE, "bands": checkpoint.shape.bands}
    else:
        shaping |= {"model": "transformer", "context": min(checkpoint.shape.context, LONGEST)}
    return Start(checkpoint.weights, checkpoint.origin, shaping, input, target, published=folder)


def _tokenizers(folder: Path, shape: Shape) -> tuple[dict[str, Any], dict[str, Any]]:
    """The states of what is read and of what is written: their tokenizers; nothing where no other text is written."""
    if isinstance(shape, SingleShape):
        return {"tokenizer": Tokenizer.read(folder).state()}, {}
    if isinstance(shape, SpeechShape):
        spoken = SpokenTokens(Tokenizer.read(folder), shape.writing.multilingual).tokenizer
        _require_fitting(folder, spoken, shape.decoder.vocabulary)
        return {}, {"tokenizer": spoken.state()}
    writing = shape.writing
    source, target = tokenizers_in(folder, writing.start, writing.first, writing.end)
    for tokenizer, config in ((source, shape.encoder), (target, shape.decoder)):
        _require_fitting(folder, tokenizer, config.vocabulary)
    return {"tokenizer": source.state()}, {"tokenizer": target.state()}


def _require_fitting(folder: Path, tokenizer: Tokenizer, vocabulary: int) -> None:
    """Raise DataError for a tokenizer with more tokens than the net."""
    if len(tokenizer) > vocabulary:
        what = f"the tokenizer has {len(tokenizer):,} tokens, and the config promises {vocabulary:,}"
        raise DataError(what, where=str(folder), fix="Take config and tokenizer of one model")


def _shaping(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a recipe, the network under both of its names: it may become a part of another, or be one."""
    named = next((recipe[word] for word in ("network", "backbone") if recipe.get(word) in NAMES), None)
    return {**recipe, **({"network": named, "backbone": named} if named else {})}


SAME = "Train with the same network, width and size as the weights are of"


def advice(start: Start, recipe: Recipe) -> str:
    """What to set, on which side, where too few weights fit: what shapes the two networks differently."""
    ours, theirs = recipe.to_json(), start.shaping
    network = theirs.get("network")
    if "backbone" in ours and network is not None and network not in NAMES:
        auto = " (that is fast for pictures of 16 to 64 pixels)" if network == "auto" else ""
        return (
            f"They are of network={network}{auto}, which can be nothing else's backbone. Train that model with "
            f"network={ours['backbone']}, and begin with it; {', '.join(NAMES)} fit everywhere"
        )
    others = [f"{name}={theirs[name]}" for name in recipe.shaping if name in theirs and theirs[name] != ours[name]]
    return f"Set what the weights are of: {' '.join(others)}" if others else SAME


def transfer(weights: Weights, model: nn.Module, where: str = "", fix: str = SAME) -> Transfer:
    """The tensors of `weights` that fit `model`, and the scale of the inputs that they are used to.

    Raises UsageError, naming the first that do not fit and the `fix`, when too few do, or when two places are as good.
    """
    own = model.state_dict()
    weights = model.renewed(weights) if isinstance(model, OlderWeights) else weights
    aligned, tied = _alignment(weights, own)
    sources = _sources(weights, own, aligned)
    fitting = {name: _fitted(weights[theirs], own[name]) for name, theirs in sources.items()}
    learnt = dict(model.named_parameters())
    share = sum(learnt[n].numel() for n in fitting if n in learnt) / max(1, sum(p.numel() for p in learnt.values()))
    used = _floats({theirs: weights[theirs] for theirs in sources.values()}) / max(1, _floats(weights))
    left = [name for name in learnt if name not in fitting]
    if share < LEAST and used < MOST:
        shapes = ", ".join(f"{name} {list(learnt[name].shape)}" for name in left[:3])
        what = (
            f"only {percent(share)} of the new model's parameters have a counterpart, and only {percent(used)} of the "
            f"old tensors a place; there is none for {shapes}"
        )
        raise UsageError(what, where=where, fix=fix)
    if tied:
        places = " and ".join(f"{theirs or 'the whole'} as {ours or 'the whole'}" for theirs, ours in (aligned, tied))
        raise UsageError(f"the weights fit in two places as well: {places}", where=where, fix="Leave --from out")
    adapted = [name for name, theirs in sources.items() if weights[theirs].shape != own[name].shape]
    return Transfer({**fitting, **_scaled(weights, model)}, share, left, used, adapted)


def _sources(weights: Weights, own: Weights, aligned: tuple[str, str]) -> dict[str, str]:
    """New name → old name, for all that fit: those under the aligned beginnings, and beyond them those of one name."""
    found = {}
    for name in own:
        for old in (_old(name, *aligned), name):
            if name not in found and old in weights and _fits(weights[old], own[name]):
                found[name] = old
    return found


def _old(name: str, theirs: str, ours: str) -> str:
    """The name with its beginning `ours` exchanged for `theirs`; empty where it begins otherwise."""
    if ours and not name.startswith(f"{ours}."):
        return ""
    rest = name[len(ours) + 1 :] if ours else name
    return f"{theirs}.{rest}" if theirs else rest


def _alignment(weights: Weights, own: Weights) -> tuple[tuple[str, str], tuple[str, str] | None]:
    """The beginnings of old and new names under which the most tensors agree, and others that do as well, if any.

    Every pair of tensors of one shape speaks for what is left of their names without the end that they share. Where
    they are few of either model, equal shapes are chance (one layer is like another elsewhere), and no name is changed.
    """
    places: dict[tuple[str, torch.Size], list[str]] = defaultdict(list)
    for name, tensor in own.items():
        if tensor.is_floating_point():
            places[name.rpartition(".")[2], tensor.shape].append(name)
    votes: Counter[tuple[str, str]] = Counter()
    for name, tensor in weights.items():
        for place in places[name.rpartition(".")[2], tensor.shape]:
            votes[_beginnings(name, place)] += 1
    (best, most), *others = votes.most_common() or [(("", ""), 0)]
    if most == votes["", ""] or most < PART * min(_floats(weights), _floats(own)):
        return ("", ""), None
    return best, next((pair for pair, count in others if count == most), None)


def _beginnings(old: str, new: str) -> tuple[str, str]:
    """What is left of two names without the longest end, in whole words, that they share."""
    a, b = old.split("."), new.split(".")
    same = 0
    while same < min(len(a), len(b)) and a[-1 - same] == b[-1 - same]:
        same += 1
    return ".".join(a[: len(a) - same]), ".".join(b[: len(b) - same])


def _fits(old: Tensor, new: Tensor) -> bool:
    """Whether the shapes agree, or would, were it not for grey on one side and colours on the other."""
    if old.shape == new.shape:
        return True
    if not (old.dim() == new.dim() == 4 and {old.shape[1], new.shape[1]} == {1, 3}):
        return False
    same = old.shape[0] == new.shape[0] and old.shape[2:] == new.shape[2:]
    return same and len(old) > 1  # what is [1, C, 1, 1] is no kernel, but the scale of the inputs


def _fitted(old: Tensor, new: Tensor) -> Tensor:
    """The old tensor in the new shape. A grey picture is to do what it does in all three channels, and the reverse."""
    if old.shape == new.shape:
        return old
    return old.sum(dim=1, keepdim=True) if old.shape[1] == 3 else (old / 3).repeat(1, 3, 1, 1)


def _scaled(weights: Weights, model: nn.Module) -> dict[str, Tensor]:
    """The mean and spread by which the old inputs were scaled, for every `Normalize` of the new model."""
    spreads = [name for name, t in weights.items() if name.endswith("std") and t.dim() == 4 and t.numel() == t.shape[1]]
    if len(spreads) != 1:
        return {}
    mean = weights.get(spreads[0].removesuffix("std") + "mean")
    old = {"std": weights[spreads[0]], "mean": mean} if mean is not None else {}
    found = {}
    for place, layer in model.named_modules():
        for word, tensor in old.items() if isinstance(layer, Normalize) else ():
            like = getattr(layer, word)
            tensor = tensor.mean(dim=1, keepdim=True) if like.shape[1] == 1 else tensor
            found[f"{place}.{word}".removeprefix(".")] = tensor.expand_as(like).clone()
    return found


def _channels(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, -1, 1, 1)


def _floats(tensors: Weights) -> int:
    return sum(t.is_floating_point() for t in tensors.values())
