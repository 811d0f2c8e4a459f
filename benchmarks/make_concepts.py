"""Makes the pictures of docs/concepts.md and docs/inspect.md, and prints the numbers that stand there.

    python benchmarks/make_concepts.py [--out docs]

Four small nets learn the digits of the package, each with something done to it; the pictures are those that
`sounding inspect RUN --out FILE.svg` and a training with `--every` draw. Recurrent nets recall what they read and
a Transformer continues the demonstration texts. Seeded; about three minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

import sounding as sd
from sounding.architectures.activations import ACTIVATIONS
from sounding.architectures.rnn import CELLS
from sounding.contract.records import Example
from sounding.drawing.colours import BLUE, MUTED, VERMILION
from sounding.evaluation.figure_svg import figure_svg
from sounding.inspection import (
    Inspection,
    Journal,
    Reach,
    Reading,
    inspect,
    reach,
    read_along,
    read_journal,
    reading_table,
    sample,
    save,
    table,
)
from sounding.machine.setting import Setting
from sounding.randomness import stream
from sounding.training.checkpointer import Checkpointer
from sounding.training.loop import Budget, fit
from sounding.training.train_state import TrainState

DIGITS = Path(sd.__file__).parent / "samples" / "digits.parquet"
STEPS, WIDTH = 300, 8
UNGUARDED = 10  # steps at a learning rate of 3 before the net is looked at
NETS: dict[str, dict[str, Any]] = {
    "healthy": {"depth": 4, "activation": "relu"},
    "vanishing": {"depth": 30, "activation": "sigmoid"},
    "dead": {"depth": 4, "activation": "relu", "lr": 3.0},
}
DEPTHS = ((4, "sigmoid"), (6, "sigmoid"), (8, "sigmoid"), (10, "sigmoid"), (12, "sigmoid"), (12, "relu"), (30, "relu"))

STEPS_BACK, UNITS, OPEN = 30, 32, 3.0
"""How long ago it was what a recurrent net has to recall, its units, and the bias of a forget gate that stands open."""
MEMORIES = (
    ("plain", "tanh", 0.0),
    ("GRU", "gru", 0.0),
    ("LSTM", "lstm", 0.0),
    ("LSTM, forget gate open", "lstm", OPEN),
)
SENTENCE = "three old cats:"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    (out / "concepts_activations.svg").write_text(activations())
    memory(out)
    with tempfile.TemporaryDirectory() as folder:
        attention(Path(folder) / "attention", out)
        for name, settings in NETS.items():
            seen, accuracy, _ = trained(Path(folder) / name, settings)
            show(name, seen, out, f"accuracy on the validation rows {accuracy:.3f}")
        _, _, rows = trained(Path(folder) / "rows", NETS["healthy"], steps=1)
        show("exploding", unguarded(rows), out, f"after {UNGUARDED} steps")
        over_time(rows, Path(folder) / "inspection.jsonl", out / "inspect_time.svg")
        print(f"\nreal step over first step, at the same rate: {later_steps(rows, Path(folder) / 'later.jsonl')}")
        seen, accuracy, _ = trained(Path(folder) / "tenth", {"depth": 4, "activation": "relu", "lr": 0.1})
        print(f"lr=0.1: {max(layer.dead_share for layer in seen.layers):.0%} of a layer dead, accuracy {accuracy:.3f}")
        print("\n| hidden layers | activation | gradient shrinks | validation accuracy |\n|---|---|---|---|")
        for depth, act in DEPTHS:
            print(depth_row(Path(folder) / f"{act}{depth}", depth, act), flush=True)


def trained(folder: Path, settings: dict[str, Any], steps: int = STEPS) -> tuple[Inspection, float, list[Example]]:
    """What inspect says of a run, its validation accuracy, and the training rows."""
    given = {"network": "mlp", "optimizer": "adamw", "width": WIDTH, **settings}
    model = sd.train("classify", DIGITS, steps=steps, out=folder, card=None, precision="fp32", **given)
    state = json.loads((folder / "trainer_state.json").read_text())
    rows = list(model.dataset().train)
    seen = inspect(model.task, model.module, sample(rows), rate=model.task.recipe.lr * state["damping"])
    return seen, state["best"], rows


def memory(out: Path) -> None:
    """Nets that say after some steps whether the first number was above 0; how far back their gradient reaches."""
    reaches = []
    for name, kind, bias in MEMORIES:
        torch.manual_seed(0)
        rng = torch.Generator().manual_seed(0)
        cell, answer = CELLS[kind](4, UNITS, batch_first=True), nn.Linear(UNITS, 1)
        if bias:
            nn.init.constant_(cell.bias_ih_l0[UNITS : 2 * UNITS], bias)
        (before,), _ = recalled(1, torch.Generator().manual_seed(1))
        reaches.append(Reach(name, type(cell).__name__, reach(cell, before)))
        weights = [*cell.parameters(), *answer.parameters()]
        optimizer = torch.optim.Adam(weights, 1e-2)
        for _ in range(400):
            x, truth = recalled(64, rng)
            loss = nn.functional.binary_cross_entropy_with_logits(answer(cell(x)[0][:, -1])[:, 0], truth)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
        x, truth = recalled(1000, torch.Generator().manual_seed(2))
        right = ((answer(cell(x)[0][:, -1])[:, 0] > 0) == (truth > 0)).float().mean()
        first = reaches[-1].gradient[0]
        print(f"{name}: gradient at the first of {STEPS_BACK} steps {first:.0e}, recalls {right:.3f}", flush=True)
    save(Reading((), "", (), tuple(reaches)), out / "concepts_memory.svg")


def recalled(n: int, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of random numbers, and whether the first number of each is above 0."""
    x = torch.randn(n, STEPS_BACK, 4, generator=rng)
    return x, (x[:, 0, 0] > 0).float()


def attention(folder: Path, out: Path) -> None:
    """Where a decoder that learnt the demonstration texts looks while it writes how a sentence goes on."""
    model = sd.train("generate", "demo", size="tiny", tokenizer="words", steps=STEPS, out=folder, card=None)
    seen = read_along(model.task.with_options({"length": 4, "temperature": 0}), model.module, SENTENCE)
    save(seen, out / "concepts_attention.svg")
    print(f"\n## attention: {SENTENCE} {seen.answer}\n", "\n".join(reading_table(seen)), sep="\n", flush=True)


def show(name: str, seen: Inspection, out: Path, note: str) -> None:
    save(seen, out / f"concepts_{name}.svg")
    print(f"\n## {name}: {note}\n", "\n".join(table(seen)), sep="\n", flush=True)


def digits(rows: list[Example], **settings: Any) -> Any:
    """The classifier, fitted to the rows, at a thousand times its usual learning rate unless told otherwise."""
    from sounding.applications.vision.classify import Classify

    task = Classify(
        Classify.Recipe.make("small", {"network": "mlp", "optimizer": "adamw", "width": WIDTH, "lr": 3.0, **settings})
    )
    task.fit(rows)
    return task


def unguarded(rows: list[Example]) -> Inspection:
    """A net after some steps that the training loop would have taken back."""
    task = digits(rows, depth=4, activation="relu")
    trainee = TrainState(task, 0, Setting())
    trainee.state.progress = task.recipe.warmup
    for step in range(UNGUARDED):
        order = stream("unguarded", step).permutation(len(rows))[: task.recipe.batch]
        trainee.step([rows[i] for i in order])
    return inspect(task, trainee.model, sample(rows))


def over_time(rows: list[Example], path: Path, picture: Path) -> None:
    """A training that explodes, goes back and goes on, as its journal saw it."""
    task = digits(rows, depth=4, activation="gelu")
    journal = Journal(path, 5)
    fit(
        task,
        rows[200:],
        rows[:200],
        budget=Budget(steps=STEPS),
        setting=Setting(),
        checkpointer=Checkpointer(),
        journal=journal,
    )
    lines = read_journal(path)
    save(lines, picture)
    print(f"\n## over time: {len(lines)} lines, {path.stat().st_size / len(lines):.0f} bytes each")
    for line in [line for line in lines if line["verdict"] != "healthy"][:3]:
        print(f"step {line['step']}: {line['sentence']}")


def later_steps(rows: list[Example], path: Path) -> str:
    """By step: the median over layers of a real step over the weights, over that of a new optimizer's first."""
    task = digits(rows, depth=4, activation="relu", lr=0.003)
    fit(task, rows[200:], rows[:200], budget=Budget(steps=STEPS), setting=Setting(), journal=Journal(path, 50))
    first, *later = read_journal(path)
    unit = median(first) / first["rate"]
    return ", ".join(f"{line['step']}: {median(line) / line['rate'] / unit:.2g}" for line in later[:-1])


def median(line: dict[str, Any]) -> float:
    return statistics.median(value for value in line["update"] if value is not None)


def depth_row(folder: Path, depth: int, act: str) -> str:
    """How much the gradient shrinks at the start, and what the net has learnt after the steps."""
    started, _, _ = trained(folder / "start", {"depth": depth, "activation": act, "lr": 1e-9}, steps=1)
    norms = [layer.gradient_norm for layer in started.layers if layer.parameters and layer.gradient_norm]
    _, accuracy, _ = trained(folder / "end", {"depth": depth, "activation": act})
    return f"| {depth} | {act} | {max(norms) / norms[0]:.2g} | {accuracy:.3f} |"


def activations() -> str:
    """Every activation function with its slope, as one <svg>."""
    x = torch.linspace(-4, 4, 81, dtype=torch.float64)

    def draw(figure: Any) -> None:
        panels = figure.subplots(3, 5, sharex=True, sharey=True).flat
        for axes, (name, each) in zip(panels, ACTIVATIONS.items(), strict=False):
            at = x.clone().requires_grad_()
            y = each.make()(at)
            (slope,) = torch.autograd.grad(y.sum(), at)
            axes.axhline(0, color=MUTED, linewidth=0.8)
            axes.plot(x, y.detach(), color=BLUE, label="function")
            axes.plot(x, slope, color=VERMILION, linewidth=1.3, linestyle=(0, (4, 2)), label="slope")
            axes.set(title=name, xlim=(-4, 4), ylim=(-2.2, 3.2), xticks=[-4, 0, 4], yticks=[-2, 0, 1, 2])
        for axes in list(figure.axes)[len(ACTIVATIONS) :]:
            axes.set_axis_off()
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)

    return figure_svg(draw, 8.6, 5.2)


if __name__ == "__main__":
    main()
