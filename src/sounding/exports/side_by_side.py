"""What a card measures, of an exported model beside its run: the same rows, the same draws, turns at the processor.

An exported network takes the place of the forward pass, so that every measure of the contract (losses, corruptions)
asks it; answers, and what they cost, are those of the runtime without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from sounding.architectures.folding import fuse_for_inference
from sounding.card.trade_offs import TradeOffs, compare_forms
from sounding.challenges.costs.comparison import Entry
from sounding.contract.postprocessing import Network
from sounding.contract.records import Example, Prediction, Record
from sounding.contract.task import Task
from sounding.contract.task_wrapper import TaskWrapper
from sounding.contract.tree import leaves
from sounding.contract.writing import Writing
from sounding.evaluation.context import EvaluationContext
from sounding.exports.runtime import ExportedModel

FIRST = "run"


class AsExported(TaskWrapper):
    """A task whose answers an exported model gives."""

    def __init__(self, wrapped: Task, exported: ExportedModel) -> None:
        super().__init__(wrapped)
        self._exported = exported

    def predict(self, model: nn.Module, inputs: Sequence[Any]) -> list[Prediction]:
        """The answers of the exported model."""
        return self._exported.predictions(inputs)

    def evaluate_rows(self, model: nn.Module, examples: Sequence[Example]) -> list[Record]:
        """As the task does it; where that is the usual way, with the answers of the exported model."""
        if type(self.wrapped).evaluate_rows is Task.evaluate_rows:
            return Task.evaluate_rows(self, model, examples)
        return self.wrapped.evaluate_rows(model, examples)


def outputs_of(network: Network, like: Any) -> Callable[[Any], Any]:
    """The outputs of a network for encoded inputs, as a tree of the form of `like`."""

    def outputs(x: Any) -> Any:
        given = tuple(leaf.detach().contiguous().numpy() for leaf in leaves(x))
        found = [torch.from_numpy(each) for each in network(given)]
        return found[0] if isinstance(like, torch.Tensor) else type(like)(*found)

    return outputs


def standing_in(task: Task, model: nn.Module, exported: ExportedModel, example: Example) -> nn.Module:
    """The exported network in the place of `model`; an example shows of what form its outputs are."""
    if isinstance(exported.processing.post, Writing):
        return task.standing_in(model, exported.network)
    with torch.inference_mode():
        like = task.outputs(model, task.encode_inputs([example.input]))
    outputs = partial(exported.processing.post.outputs, exported.network)
    return task.standing_in(model, outputs_of(outputs, like))


def measured(context: EvaluationContext, exported: ExportedModel, name: str, bytes: int) -> TradeOffs:
    """The exported model, called `name` and so many `bytes` large, beside the run whose context this is."""
    task, model = context.task, fuse_for_inference(context.model)
    instead = standing_in(task, model, exported, context.test[0])
    theirs = replace(context, task=AsExported(task, exported), model=instead)
    entries = [Entry(FIRST, replace(context, model=model)), Entry(name, theirs, bytes=bytes)]
    return compare_forms(entries, context.profile)
