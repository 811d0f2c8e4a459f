"""A gallery: known people (or speakers, or things), each with a few embeddings; and who, of all of them, a probe is.

    opened / created    a folder with gallery.json and embeddings.safetensors
    enrolled            the gallery with more embeddings of a name
    identified          for each probe the best name, or None: unknown

A probe is compared with every name, and each comparison may match falsely. So a threshold that lets one of a thousand
impostor comparisons pass lets one of ten strangers pass in a gallery of a hundred. To hold the *identification* rate,
`Gallery.threshold` asks for the rate divided by the number of names, and says which rate the validation data support.

A person's score is the mean cosine over what was enrolled: one comparison, less noisy than its parts.

Legend of shapes: N embeddings enrolled, D entries of each, n probes, M names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sounding.applications.vision.faces.answering import Threshold
from sounding.errors import RunError, UsageError, did_you_mean
from sounding.files import read_json, read_tensors, unwritable, write_json, write_tensors

NOTE, VECTORS = "gallery.json", "embeddings.safetensors"


@dataclass(frozen=True)
class Gallery:
    """`embeddings` [N, D] of length 1, the name and the source of each, and a digest of the weights that made them."""

    embeddings: np.ndarray
    names: tuple[str, ...]
    sources: tuple[str, ...]
    weights: str

    @property
    def people(self) -> list[str]:
        """The names, in the order of enrolment."""
        return list(dict.fromkeys(self.names))

    def scores(self, probes: np.ndarray) -> np.ndarray:
        """[n, M]: the mean cosine of each probe [n, D] to each name's embeddings."""
        place = {name: i for i, name in enumerate(self.people)}
        who = np.array([place[name] for name in self.names], np.int64)
        shares = np.eye(len(place))[who] / np.bincount(who, minlength=len(place))
        return (probes @ self.embeddings.T) @ shares


@dataclass(frozen=True)
class Match:
    """Who a probe is: `name`, or None for unknown; the `nearest` name and its score in any case."""

    name: str | None
    nearest: str
    score: float


def created(weights: str) -> Gallery:
    """A gallery of nobody, for embeddings of the model whose weights have this digest."""
    return Gallery(np.zeros((0, 0), np.float32), (), (), weights)


def opened(folder: Path) -> Gallery:
    """The gallery in a folder. Raises RunError where there is none, or a damaged one."""
    note, (tensors, _) = read_json(folder / NOTE), read_tensors(folder / VECTORS)
    embeddings = tensors["embeddings"].numpy()
    entries = note["entries"]
    if len(entries) != len(embeddings):
        what = f"{len(entries)} entries and {len(embeddings)} embeddings do not go together"
        raise RunError(what, where=str(folder), fix="Take both files from one copy, or enroll again")
    names, sources = ([entry[key] for entry in entries] for key in ("name", "source"))
    return Gallery(embeddings, tuple(names), tuple(sources), note["weights"])


def save(gallery: Gallery, folder: Path) -> None:
    """Write the gallery; the embeddings first, so that no entry is without one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error, "name another gallery") from None
    write_tensors(folder / VECTORS, {"embeddings": torch.from_numpy(gallery.embeddings)})
    entries = [{"name": n, "source": s} for n, s in zip(gallery.names, gallery.sources, strict=True)]
    write_json(folder / NOTE, {"weights": gallery.weights, "entries": entries})


def enrolled(gallery: Gallery, name: str, embeddings: np.ndarray, sources: Sequence[str]) -> Gallery:
    """The gallery with embeddings [n, D] of `name` more; a source that is enrolled under the name already is replaced.

    Raises UsageError for a source that is enrolled under another name.
    """
    for known, source in zip(gallery.names, gallery.sources, strict=True):
        if source in sources and known != name:
            fix = f"Remove {known!r} first, or leave it out"
            raise UsageError(f"{source} is enrolled as {known!r} already", fix=fix)
    kept = [i for i, source in enumerate(gallery.sources) if source not in sources]
    old = gallery.embeddings[kept] if kept else embeddings[:0]
    names = (*(gallery.names[i] for i in kept), *[name] * len(embeddings))
    places = (*(gallery.sources[i] for i in kept), *sources)
    return replace(gallery, embeddings=np.concatenate([old, embeddings]), names=names, sources=places)


def removed(gallery: Gallery, name: str) -> Gallery:
    """The gallery without a person. Raises UsageError for a name that is not in it."""
    if name not in gallery.names:
        raise UsageError(f"nobody called {name!r} is enrolled", fix=did_you_mean(name, gallery.people))
    kept = [i for i, known in enumerate(gallery.names) if known != name]
    names, sources = (tuple(column[i] for i in kept) for column in (gallery.names, gallery.sources))
    return replace(gallery, embeddings=gallery.embeddings[kept], names=names, sources=sources)


def threshold(model: Any, people: int, at: Threshold) -> Threshold:
    """The threshold at which at most the false match rate of `at` of strangers passes for any of `people`.

    By the union bound each comparison may take rate / people. Where the validation data do not support a rate so low,
    the lowest supported is taken, and the rate of strangers that this may let pass is said.
    """
    rate, value = at.rate, at.value
    each = rate / max(1, people)
    supported = [(r, t) for r, t in zip(model.TAIL, model.tail.tolist(), strict=True) if t < model.UNSET]
    strict = [(r, t) for r, t in supported if r <= each]
    if people <= 1 or not supported:
        return Threshold(value, min(1.0, rate * max(1, people)))
    if strict:
        return Threshold(max(value, strict[-1][1]), min(1.0, strict[-1][0] * people))
    lowest, strictest = min(supported[0], (rate, value))
    return Threshold(max(value, strictest), min(1.0, lowest * people))


def identified(gallery: Gallery, probes: np.ndarray, at: Threshold) -> list[Match]:
    """Who each probe [n, D] is. Raises UsageError where nobody is enrolled."""
    people = gallery.people
    if not people:
        raise UsageError("nobody is enrolled in the gallery", fix="Enroll people first")
    matches = []
    for row in gallery.scores(probes):
        best = int(row.argmax())
        matches.append(Match(people[best] if row[best] >= at.value else None, people[best], float(row[best])))
    return matches


def digest(model: torch.nn.Module) -> str:
    """Of the weights: embeddings of other weights cannot be compared with these."""
    found = blake2b(digest_size=8)
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def require_same(gallery: Gallery, weights: str, where: str) -> None:
    """Raise UsageError where the gallery was made with other weights."""
    if gallery.weights != weights:
        fix = "Name the run that it was made with, or enroll everybody again"
        raise UsageError("the gallery was made with another model", where=where, fix=fix)
