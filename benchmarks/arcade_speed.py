"""How quickly agents learn beside Stable-Baselines3's PPO: the same environment, network and numbers, one thread each.

    OMP_NUM_THREADS=1 python benchmarks/arcade_speed.py CartPole-v1 --steps 50000 --seeds 0 1 2

Steps of the environment per second, by the clock and by the processor's time (where other programs take their share,
the second is what to compare), of a whole training with what each makes ahead of it, emulators for instance, and
writes while it trains: ours keeps all that an exact resume needs, theirs nothing. The score is the mean of 20 episodes
with the likeliest actions afterwards. Each seed is trained by the one, then by the other. Numbers are played by SB3 in
its own DummyVecEnv; screens by both in ours, and seen by SB3's own network of Mnih et al. or, of small grids, by ours.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from sounding import catalog
from sounding.architectures.actor_critic import NATURE, eye
from sounding.environments import Environments
from sounding.environments.agent import Agent, episodes
from sounding.environments.spec import FRAMES
from sounding.machine.setting import Setting, choose, prepare
from sounding.training.checkpointer import FolderCheckpointer
from sounding.training.experience import PlayFeed
from sounding.training.loop import Budget, fit
from sounding.training.shards import Shards

EPISODES = 20


class Found(NamedTuple):
    """What a training gave."""

    steps: int
    wall: float
    cpu: float
    score: float


def main() -> None:
    """Train both, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", nargs="?", default="CartPole-v1")
    parser.add_argument("--steps", type=int, default=50_000, help="of the environment")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings", help="of both")
    options = parser.parse_args()
    prepare()
    kind = catalog.find("arcade")
    given = dict(pair.split("=", 1) for pair in options.settings)
    recipe = kind.Recipe.make("small", {"learner": "ppo", **given, "environment": options.environment})
    setting = choose()
    found: dict[str, list[Found]] = {"sounding": [], "SB3": []}
    for train in (ours, theirs):  # what is imported when it is first needed is no part of a training
        train(kind(recipe), 1, 0, setting)
    for seed in options.seeds:
        for name, train in (("sounding", ours), ("SB3", theirs)):
            each = train(kind(recipe), options.steps, seed, setting)
            found[name].append(each)
            rates = f"{each.steps / each.wall:,.0f} steps/s, {each.steps / each.cpu:,.0f} steps per CPU second"
            print(f"{name:8} seed {seed}: {rates}, score {each.score:.1f}", flush=True)
    for unit, seconds in (("CPU second", "cpu"), ("second", "wall")):
        costs = [[getattr(each, seconds) / each.steps for each in found[name]] for name in ("sounding", "SB3")]
        ratios = [theirs / ours for ours, theirs in zip(*costs, strict=True)]
        print(f"{np.median(ratios):.2f} times SB3's steps per {unit} ({min(ratios):.2f} to {max(ratios):.2f})")


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `work` gave, and its seconds by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def ours(task: Any, steps: int, seed: int, setting: Setting) -> Found:
    """A training into a folder, as of a run; what it is worth is tried afterwards."""
    recipe = task.recipe
    round_of = recipe.copies * recipe.length
    rounds = max(1, round(steps / round_of))
    task.matches = lambda model, rng: []
    task.validate = lambda model, examples: []  # theirs looks at no episodes beside those that it learns from
    with tempfile.TemporaryDirectory() as folder:
        feed = PlayFeed(task, Shards(Path(folder) / "experience"), seed)
        kept = FolderCheckpointer(Path(folder))
        budget = Budget(steps=rounds * recipe.round_steps)

        def work() -> Any:
            return fit(task, (), (), budget=budget, seed=seed, setting=setting, checkpointer=kept, feed=feed)

        result, wall, cpu = timed(work)
    played = episodes(task.agent(result.model.eval()), EPISODES, seed)
    return Found(rounds * round_of, wall, cpu, float(np.mean([each.score for each in played])))


def theirs(task: Any, steps: int, seed: int, setting: Setting) -> Found:
    """PPO of Stable-Baselines3 with the numbers of our recipe."""
    try:
        from stable_baselines3 import PPO
        from stable_baselines3.common.env_util import make_vec_env
    except ImportError:
        raise SystemExit("stable-baselines3 is missing: pip install stable-baselines3") from None
    r, screens = task.recipe, task.spec.observation.kind == FRAMES
    layers: list[int] = [] if screens else [r.width, r.width]

    def work() -> Any:
        environments = adapted(task) if screens else make_vec_env(r.environment, r.copies, seed=seed)
        extractor = network_of_screens(task) if screens else {}
        model = PPO(
            "CnnPolicy" if screens else "MlpPolicy",
            environments,
            learning_rate=lambda left: r.lr * left,
            n_steps=r.length,
            batch_size=r.batch,
            n_epochs=r.passes,
            gamma=r.gamma,
            gae_lambda=r.trust,
            clip_range=r.policy_clip,
            ent_coef=r.entropy_weight,
            vf_coef=r.value_weight,
            max_grad_norm=r.clip,
            policy_kwargs={"net_arch": {"pi": layers, "vf": layers}, **extractor},
            seed=seed,
            device="cpu",
        )
        return model.learn(steps)

    model, wall, cpu = timed(work)
    played = episodes(Theirs(task, model), EPISODES, seed)
    return Found(model.num_timesteps, wall, cpu, float(np.mean([each.score for each in played])))


def network_of_screens(task: Any) -> dict[str, Any]:
    """What SB3 looks at screens with: its own network of Mnih et al., or at small grids ours, since it has none."""
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    shape, r = task.spec.observation.shape, task.recipe
    if r.model == NATURE:
        return {"features_extractor_kwargs": {"features_dim": r.width}}

    class Eye(BaseFeaturesExtractor):
        def __init__(self, space: Any) -> None:
            super().__init__(space, r.width)
            self.layers = eye(shape, r.width, r.model)

        def forward(self, x: Any) -> Any:
            return self.layers(x)

    return {"features_extractor_class": Eye}


class Theirs(Agent):
    """A model of SB3, tried as ours are."""

    def __init__(self, task: Any, model: Any) -> None:
        self.spec, self.settings, self._model = task.spec, task.recipe.put_around, model

    def act(self, observations: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """The likeliest actions."""
        return np.asarray(self._model.predict(observations, deterministic=True)[0])


def adapted(task: Any) -> Any:
    """Our environments, as SB3 takes them."""
    from stable_baselines3.common.vec_env import VecEnv

    class Adapted(VecEnv):
        def __init__(self) -> None:
            r, shown = task.recipe, task.spec.observation
            self._environments = Environments(r.environment, r.copies, r.put_around)
            space = gymnasium.spaces.Box(0, int(shown.high), shown.shape, np.uint8)
            self._seeded = np.arange(r.copies)
            super().__init__(r.copies, space, gymnasium.spaces.Discrete(task.spec.actions.n))

        def reset(self) -> np.ndarray:
            return self._environments.reset(self._seeded)

        def step_async(self, actions: np.ndarray) -> None:
            self._asked = actions

        def step_wait(self) -> Any:
            step = self._environments.step(self._asked)
            told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
            for copy in np.flatnonzero(step.ended):
                cut = bool(step.truncated[copy] and not step.terminated[copy])
                told[copy] = {"terminal_observation": step.final_obs[copy], "TimeLimit.truncated": cut}
            return step.obs, step.rewards, step.ended, told

        def seed(self, seed: int | None = None) -> list[None]:
            self._seeded = np.arange(self.num_envs) + (seed or 0)
            return [None] * self.num_envs

        def close(self) -> None:
            self._environments.close()

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [None] * self.num_envs

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            raise NotImplementedError

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
            raise NotImplementedError

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * self.num_envs

    return Adapted()


if __name__ == "__main__":
    main()
