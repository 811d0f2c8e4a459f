from dataclasses import dataclass
from typing import ClassVar

import pytest

from sounding.contract.recipe import Recipe
from sounding.errors import UsageError


@dataclass(frozen=True)
class Mine(Recipe):
    sizes: ClassVar = {"tiny": {"width": 8}, "small": {"width": 16, "lr": 0.5}}
    models: ClassVar = {"deep": {"width": 9, "clip": 0.5}}
    model: str = "shallow"
    width: int = 4
    mirror: bool = False
    activation: str = "relu"


def test_the_dial_sets_what_depends_on_scale_and_settings_win():
    assert Mine.make("tiny").width == 8
    assert Mine.make("small").lr == 0.5
    made = Mine.make("small", {"width": "32", "lr": "3e-4", "mirror": "yes", "activation": "gelu"})
    assert (made.width, made.lr, made.mirror, made.activation) == (32, 3e-4, True, "gelu")


def test_a_model_sets_what_depends_on_it_ahead_of_the_dial_and_settings_win():
    made = Mine.make("small", {"model": "deep"})
    assert (made.width, made.clip, made.lr) == (9, 0.5, 0.5)
    assert Mine.make("small", {"width": 5, "model": "deep"}).width == 5
    assert Mine.make("small", {"model": "other"}).width == 16


def test_a_recipe_comes_back_from_json():
    made = Mine.make("small", {"width": 5, "model": "deep"})
    assert Mine.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"widht": "3"}, r"no setting 'widht'. Did you mean width\?"),
        ({"width": "3.5"}, "width=3.5 is not a whole number"),
        ({"lr": "fast"}, "lr=fast is not a number"),
        ({"mirror": "perhaps"}, "mirror=perhaps is not yes or no"),
    ],
)
def test_what_cannot_be_read_is_said(settings, words):
    with pytest.raises(UsageError, match=words):
        Mine.make("tiny", settings)


def test_an_unknown_size_is_said():
    with pytest.raises(UsageError, match="no size 'large'"):
        Mine.make("large")


@pytest.mark.parametrize(("field", "word"), [("select", "los"), ("watchdog", "fals")])
def test_a_word_that_a_field_does_not_know_is_refused_and_not_taken_for_another(field, word):
    with pytest.raises(UsageError, match=f"{field}={word} is not known"):
        Recipe.make("small", {field: word})


@pytest.mark.parametrize(
    ("field", "number"), [("batch", "0"), ("accumulate", "-1"), ("lr", "-0.1"), ("lr", "nan"), ("warmup", "1.5")]
)
def test_a_number_with_which_no_training_can_be_is_refused(field, number):
    with pytest.raises(UsageError, match=f"{field}={number} is out of range. Give {field} a number (of at least|from)"):
        Recipe.make("small", {field: number})
