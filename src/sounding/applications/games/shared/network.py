"""The network of a board game at work: what a task trains, and what a search asks.

Legend of shapes: B batch, N positions, A actions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sounding.architectures.board_network import BoardConfig, BoardNetwork, BoardOutputs
from sounding.architectures.folding import fuse_for_inference
from sounding.games.game import Game
from sounding.modalities.boards.board import Encoded
from sounding.modalities.boards.judgement import LOSS, WIN
from sounding.search.evaluator import Evaluator, WithRandomGames

ILLEGAL = -30.0
"""The logit of a move that is not legal; finite, so that a position that was misread costs much and not everything."""


class BoardModel(nn.Module):
    """`Encoded` positions → BoardOutputs in which no illegal move has a chance."""

    def __init__(self, config: BoardConfig) -> None:
        super().__init__()
        self.network = BoardNetwork(config)

    @property
    def batches(self) -> int:
        """How many batches it has learnt from, which its normalisations count."""
        norms = (module for module in self.modules() if isinstance(module, nn.BatchNorm2d))
        return max((int(norm.num_batches_tracked or 0) for norm in norms), default=0)

    def forward(self, x: Encoded) -> BoardOutputs:
        """What is said of each position."""
        found = self.network(x.planes)
        return found._replace(policy=masked(found.policy, x.legal))


def masked(policy: Tensor, legal: Tensor) -> Tensor:
    """Logits [B, A] of which illegal ones are out of the question. Where nothing is legal, all stay as they are."""
    return policy.masked_fill(~(legal | ~legal.any(dim=1, keepdim=True)), ILLEGAL)


def evaluator(game: Game, model: nn.Module, random_games: int = 0) -> Evaluator:
    """What a search asks: the network, and so many random games from each position beside it."""
    network = NetworkEvaluator(game, model)
    return WithRandomGames(game, network, random_games) if random_games else network


class StandIn(nn.Module):
    """In place of `network`: what `outputs` gives for `Encoded` positions of which every move may be played.

    The weights of `network` stay, since what uses a model asks them where they are.
    """

    def __init__(self, network: nn.Module, actions: int, outputs: Callable[[Encoded], Any]) -> None:
        super().__init__()
        self.network, self._actions, self._outputs = network, actions, outputs

    def forward(self, planes: Tensor) -> BoardOutputs:
        """What is said of each position."""
        every = torch.ones(len(planes), self._actions, dtype=torch.bool)
        found = self._outputs(Encoded(planes, every))
        none = planes.new_zeros(len(planes), 0)
        return BoardOutputs(*found, *[none] * (len(BoardOutputs._fields) - len(found)))


class NetworkEvaluator:
    """What a search is told of positions: the logits of the moves, and the chance of a win less that of a loss."""

    def __init__(self, game: Game, model: nn.Module) -> None:
        fused = fuse_for_inference(model)
        assert isinstance(fused, BoardModel)
        self.game, self.network = game, fused.network
        self.device = next(fused.parameters()).device

    @torch.inference_mode()
    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits [N, A] and values [N] in −1…1, from the view of the player to move."""
        planes = torch.from_numpy(self.game.observe(positions))
        found = self.network(planes.to(self.device, memory_format=torch.channels_last))
        outcome = found.outcome.float().softmax(dim=1)
        return found.policy.float().cpu().numpy(), (outcome[:, WIN] - outcome[:, LOSS]).cpu().numpy()
