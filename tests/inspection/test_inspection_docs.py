"""The pages on networks say what torch computes and what the code holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import torch

from sounding.architectures.activations import ACTIVATIONS
from sounding.inspection import verdicts

DOCS = Path(__file__).parents[2] / "docs"
CONCEPTS, INSPECT = ((DOCS / f"{name}.md").read_text() for name in ("concepts", "inspect"))


def cells(text: str, first: str) -> list[str]:
    """The cells of the row of a table that begins with `first`."""
    (row,) = re.findall(rf"^\| {re.escape(first)} \|(.*)\|$", text, re.M)
    return [cell.strip() for cell in row.split("|")]


def example() -> dict[str, torch.Tensor]:
    """The two neurons of the page, with torch."""
    given = {"x": 1.5, "w": 0.8, "b": -0.2, "v": 2.0, "c": 0.0}
    at = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in given.items()}
    at["z"] = at["w"] * at["x"] + at["b"]
    at["a"] = torch.sigmoid(at["z"])
    at["y"] = at["v"] * at["a"] + at["c"]
    at["L"] = (at["y"] - 1) ** 2 / 2
    return at


def test_the_worked_example_forward_and_backward():
    at = example()
    for name in "zayL":
        assert cells(CONCEPTS, f"`{name}`")[-1] == f"{at[name].item():.4f}"
    for name in "yvcazwb":
        (gradient,) = torch.autograd.grad(at["L"], at[name], retain_graph=True)
        assert cells(CONCEPTS, f"`dL/d{name}`")[-1] == f"{gradient.item():.4f}"
    assert f"`a (1 − a)` = {(at['a'] * (1 - at['a'])).item():.4f}" in CONCEPTS


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_the_step_of_the_worked_example(rate):
    at = example()
    gradients = dict(zip("wbvc", torch.autograd.grad(at["L"], [at[name] for name in "wbvc"]), strict=True))
    new = {name: (at[name] - rate * gradients[name]).item() for name in "wbvc"}
    y = new["v"] * torch.sigmoid(torch.tensor(new["w"] * 1.5 + new["b"], dtype=torch.float64)).item() + new["c"]
    assert f"to {(y - 1) ** 2 / 2:.4f}" in " ".join(CONCEPTS.split())
    if rate == 0.1:
        said = " ".join(CONCEPTS.replace("−", "-").split())
        assert ", ".join(f"`{name} = {new[name]:.4f}`" for name in "wbvc") in said


def test_every_activation_is_in_the_table_with_its_largest_slope():
    x = torch.linspace(-6, 6, 24_001, dtype=torch.float64, requires_grad=True)
    for name, each in ACTIVATIONS.items():
        (slope,) = torch.autograd.grad(each.make()(x).sum(), x)
        if name == "squared_relu":
            assert cells(CONCEPTS, f"`{name}`")[0] == "2 x"
            torch.testing.assert_close(slope, 2 * x.detach().clamp(min=0))
            continue
        assert float(cells(CONCEPTS, f"`{name}`")[0]) == pytest.approx(slope.max().item(), abs=0.006), name


def test_every_verdict_is_explained_and_has_the_threshold_of_the_code():
    rows = re.findall(r"^\| ([a-z ]+) \| ([^|]+)\|([^|]*)\|$", INSPECT.split("## Verdicts")[1], re.M)[1:]
    assert {name for name, _, _ in rows} == set(get_args(verdicts.Ailment))
    said = [float(word) for _, _, threshold in rows for word in threshold.replace(",", " ").split()]
    assert said == [
        verdicts.EXPLODED_STEP,
        verdicts.EXPLODED_REAL_STEP,
        verdicts.EXPLODED_ACTIVATION,
        verdicts.EXPLODED_GRADIENT,
        verdicts.DEAD,
        verdicts.SATURATED,
        verdicts.VANISHED,
    ]
    for name in get_args(verdicts.Ailment):
        assert re.search(rf"^## .*{name}", CONCEPTS, re.M | re.I), name


def test_pictures_are_there_and_small():
    for picture in re.findall(r"\]\((\w+\.svg)\)", CONCEPTS + INSPECT):
        assert (DOCS / picture).read_text().startswith("<svg")
        assert (DOCS / picture).stat().st_size < 150_000
