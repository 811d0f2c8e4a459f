"""Training that makes a model robust: `--harden attacks` and `--harden corruptions`. Each is a task around the task.

    AgainstAttacks       learns from the worst input in the ball instead of the input (Madry et al., arXiv 1706.06083),
                         found by one step from a noisy start (de Jorge et al., arXiv 2202.01181)
    AgainstCorruptions   learns from mixtures of strongly varied inputs (AugMix, Hendrycks et al., arXiv 1912.02781);
                         none of the corruptions that the card measures is among the variations

Both cost: attacks some clean quality and several times the computation, corruptions a longer training. What they bring
is measured like everything else, and `sounding card A B` sets the two runs side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sounding.challenges.disturbances.attacks import perturb, pgd
from sounding.contract.change import Change
from sounding.contract.inputs import Continuous, StronglyAugmented, Threat
from sounding.contract.records import Example, Record
from sounding.contract.task import Task
from sounding.contract.task_wrapper import TaskWrapper
from sounding.errors import UsageError, did_you_mean

JUDGED = 128
"""Validation rows that are attacked to choose the best weights."""
CHAINS, DEPTH, STRENGTH = 3, 2, 0.5
"""Chains of an AugMix mixture, variations in a chain, and how strong each is."""
VARIED = 0.5
"""Share of the inputs that are mixed; the others keep the clean quality up, and cost less."""
KINDS = ("attacks", "corruptions")


def hardened(task: Task, kind: str) -> Task:
    """The task that trains a hardened model of `task`.

    Raises UsageError for an unknown kind, and for an input that knows no attack or no variation.
    """
    if kind == "attacks":
        return AgainstAttacks(task)
    if kind == "corruptions":
        return AgainstCorruptions(task)
    raise UsageError(f"no way to harden called {kind!r}", fix=did_you_mean(kind, KINDS))


class AgainstAttacks(TaskWrapper):
    """Learns from inputs attacked inside the largest ball that the input declares."""

    def __init__(self, wrapped: Task) -> None:
        super().__init__(wrapped)
        if not isinstance(self.input, Continuous) or not self.input.threats:
            fix = "Train without --harden attacks"
            raise UsageError("this kind of input has no range in which gradients could attack it", fix=fix)

    @property
    def threat(self) -> Threat:
        """The ball: the largest of those that the card attacks in."""
        return Continuous.of(self.input).threats[-1]

    @property
    def passes(self) -> float:
        """The step of the attack, and that of the training."""
        return 2 * self.wrapped.passes

    def loss(self, model: nn.Module, x: Any, y: Any) -> Tensor:
        """Loss [B] of the attacked inputs in training, of the inputs themselves otherwise."""
        if model.training:
            rng = torch.Generator().manual_seed(int(torch.randint(2**62, ())))  # drawn from the step's own stream
            x = perturb(self.wrapped, model, x, y, self.threat, rng)
        return self.wrapped.loss(model, x, y)

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """Trials on attacked rows, so that the weights that are kept are the most robust ones."""
        few = list(examples[:: max(1, -(-len(examples) // JUDGED))])
        values, truths = [e.input for e in few], [e.target for e in few]
        with torch.inference_mode(False), torch.enable_grad():
            found = pgd(self.wrapped, model, values, truths, self.threat, steps=5)
        return self.wrapped.evaluate_rows(model, [replace(e, input=v) for e, v in zip(few, found.values, strict=True)])


class AgainstCorruptions(TaskWrapper):
    """Learns from inputs, half of them mixed with chains of strong variations of themselves."""

    def __init__(self, wrapped: Task) -> None:
        super().__init__(wrapped)
        if not isinstance(self.input, StronglyAugmented):
            fix = "Train without --harden corruptions"
            raise UsageError("this kind of input knows no strong variation to learn from", fix=fix)

    def augment(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Change]:
        """The inputs augmented as ever, and then some of them mixed with variations of themselves."""
        x, change = self.wrapped.augment(x, rng)
        mixed = (torch.rand(len(x), generator=rng) < VARIED).nonzero()[:, 0].to(x.device)
        if not len(mixed):
            return x, change
        return x.index_copy(0, mixed, augmix(StronglyAugmented.of(self.input), x[mixed], rng)), change


def augmix(modality: StronglyAugmented, x: Tensor, rng: torch.Generator) -> Tensor:
    """m·x + (1 − m)·Σ wᵢ chainᵢ(x), with m from Beta(1, 1) and w from Dirichlet(1, …, 1), drawn for each example."""
    draws = -torch.rand(CHAINS, len(x), generator=rng).clamp_min(1e-12).log()  # normalised exponentials: Dirichlet(1)
    weights, kept = draws / draws.sum(0), torch.rand(len(x), generator=rng)
    chains = x.repeat(CHAINS, *[1] * (x.ndim - 1))  # all at once: small batches cost mostly overhead
    for _ in range(DEPTH):
        chains = modality.strong_augmentation(chains, rng, STRENGTH)
    shape = (-1, *[1] * (x.ndim - 1))
    mixture = (weights.reshape(-1).reshape(shape).to(x) * chains).unflatten(0, (CHAINS, len(x))).sum(0)
    return torch.lerp(mixture, x, kept.reshape(shape).to(x))
