"""The Python door: train, load, check, compare, pipeline. The command line calls these and adds nothing but words.

run = sd.train("classify", "photos/", time="10m")      # → Model, with .dir .metrics .card()
m = sd.load(run.dir)
m(["a.jpg", "b.jpg"])[0].label
m.evaluate("test.csv").accuracy                          # Estimate(value, low, high, n)
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from sounding import catalog
from sounding.card.trade_offs import TradeOffs, compare_runs
from sounding.contract.player import PlayRecipe
from sounding.contract.recipe import BegunRecipe
from sounding.contract.task import Task
from sounding.data import Columns, Report, guessing
from sounding.data.audit import check as audit
from sounding.errors import DataError, RunError, UsageError, did_you_mean, require_one
from sounding.evaluation import evaluation
from sounding.evaluation.context import Profile
from sounding.exports import runtime
from sounding.exports.description import is_exported
from sounding.machine.setting import choose
from sounding.runs import training
from sounding.runs.direction import directed, require_direction
from sounding.runs.folder import Run, latest_unfinished
from sounding.runs.model import Metrics, Model, measured, whole_card
from sounding.runs.plan import RunPlan, TrainOptions, contradictions, divided, method_of
from sounding.runs.transfer import located, opened
from sounding.serve import refusing_without_packages
from sounding.training.loop import Budget
from sounding.training.progress import Reporter, Say

if TYPE_CHECKING:
    from sounding.exports.exporting import Exported
    from sounding.training.onlooker import Onlooker


def train(
    task: str | type[Task] = "",
    source: Any = None,
    *,
    epochs: float | None = None,
    time: str | float | None = None,
    steps: int | None = None,
    size: str | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    columns: Columns | None = None,
    split: str = "",
    allow_bad: float | None = None,
    precision: str | None = None,
    resume: bool | str | Path = False,
    until: float | None = None,
    harden: str = "",
    start: str | Path = "",
    unlabelled: str | Path = "",
    method: str | None = None,
    control: bool = False,
    every: int = 0,
    log: str = "csv",
    card: str | None = "",
    watch: int | None = None,
    reporter: Reporter | None = None,
    say: Callable[[str], None] | None = None,
    **settings: Any,
) -> Model:
    """Train a task from a person's own files into a new run folder, and measure its card.

    `source` is a path, "demo", or a list of Examples; a task that plays takes none. `time` ("10m", or seconds),
    `epochs` or `steps` is the budget of the training itself, one of the three; `until` ends it when the headline metric
    reaches that value on the validation rows. `size` is tiny, small (the default) or base, `seed` 0 where none is
    named. `split` is the column of splits, the sizes of those that the data do not give ("70/15/15"), or a run whose
    rows keep theirs. `allow_bad` is the share of rows that may be unusable: a hundredth, or one row, where nobody says,
    and 0 is strict.
    `settings` are fields of the task's recipe, and its options: how it answers.
    `resume=True` goes on with the latest unfinished run (of the task, if one is named), or with that in `out`;
    `resume=path` with that. Then `source` is where its data lie now, if they moved; what else is said has to be what
    the run began with. One that is finished stays as it is; only a card that it lacks is measured.

    `harden` ("attacks", "corruptions") makes the model robust. `start` is a run, a file of weights, "hub:NAME" or
    "mobilenet_v2" (see `runs.published`), with the weights of which the training begins; `unlabelled` are rows without
    answers, or answers without inputs, learnt from by `method` ("self-training", "contrast", "back-translation"), one
    of those that the task has. With these a `control` shows what they are worth.
    `every` so many steps the layers are looked at. `log` "tensorboard" writes event files beside metrics.csv. `card` is
    the profile of the card, None for none; by default quick, or as a resumed run was to have. `watch` is a port of this
    machine, 0 for any, at which a page shows the training while it goes on; without `say`, stderr hears which.

    Long because every word that a training knows stands here once: they become a plan, and the plan a run.
    """
    if resume:
        run = resumed_run(task, out if resume is True and out is not None else resume)
        plan = run.plan()
        said: dict[str, Any] = {"epochs": epochs, "steps": steps, "until": until, "size": size, "seed": seed}
        said |= {"seconds": None if time is None else seconds(time), "allow_bad": allow_bad, "method": method}
        said |= {"harden": harden or None, "start": start or None, "control": control or None, "every": every or None}
        said |= {"log": None if log == "csv" else log}
        said |= {"unlabelled": _whole(unlabelled) or None, "precision": None if precision == "auto" else precision}
        _require_as_begun(run, plan, said, _columns(columns, split), settings)
        planned = None if run.finished and whole_card(run.dir) else plan.card
        with _watched(watch, plan.name, say) as (onlooker, tell):
            model = training.resume(run, source, reporter=reporter, say=tell, onlooker=onlooker)
    else:
        kind = catalog.checked(task)
        start = located(start)
        options = TrainOptions(harden, start, _whole(unlabelled), method_of(kind, method), control, every, log)
        budget, planned = _budget(epochs, steps, time, until), _profile("quick" if card == "" else card)
        if issubclass(kind.Recipe, PlayRecipe):
            named, source = kind.Recipe.named(source)
            settings = {**named, **settings}
        recipe, answering = divided(kind, settings)
        plan = RunPlan(
            task=kind,
            source=source,
            recipe=kind.Recipe.planned(size or "small", {**_shaping(start, kind), **recipe}, budget.seconds),
            options=kind.Options().changed(answering),
            budget=budget,
            setting=choose(precision),
            columns=_columns(columns, split),
            allow_bad=allow_bad,
            training=options,
            seed=seed or 0,
            card=planned,
        )
        place = Path(out) if out is not None else None
        with _watched(watch, plan.name, say) as (onlooker, tell):
            model = training.train(plan, place, reporter=reporter, say=tell, onlooker=onlooker)
    profile = planned if card == "" else _profile(card)
    if profile:
        measured(model, model.dataset(), profile, say)
    return model


@contextmanager
def _watched(port: int | None, title: str, say: Say | None) -> Iterator[tuple[Onlooker | None, Say | None]]:
    """Who looks on at that port while the context lasts, and what is said then; nobody where there is no port.

    Raises UsageError, ahead of all else, for a port in use, and where the packages of a service are missing.
    """
    if port is None:
        yield None, say
        return
    with refusing_without_packages("the page of a training"):
        from sounding.serve.watching import watching

    told = say or (lambda message: print(message, file=sys.stderr, flush=True))
    with watching(port, title, told) as watcher:

        def tell(message: str) -> None:
            watcher.say(message)
            told(message)

        yield watcher, tell


def _columns(columns: Columns | None, split: str) -> Columns:
    """The columns with what is said of the split; a run whose splits are kept by its whole path."""
    found = columns or Columns()
    word = split or found.split
    return replace(found, split=_whole(word) if word and Run.is_one(word) else word)


def _require_as_begun(
    run: Run, plan: RunPlan, said: Mapping[str, Any], columns: Columns, settings: Mapping[str, Any]
) -> None:
    """Raise UsageError for what is said beside resume and is not what the run began with."""
    if start := said["start"]:
        said = {**said, "start": located(start)}
    others = contradictions(plan, said, settings)
    mine = asdict(plan.columns)
    others += [f"{role}={name}" for role, name in asdict(columns).items() if name is not None and name != mine[role]]
    if others:
        what = f"a run goes on as it began, and {', '.join(others)} would be another training"
        raise UsageError(what, where=str(run.dir), fix="Leave it out, or train anew without resume")


def resumed_run(task: str | type[Task] = "", run: bool | str | Path = True) -> Run:
    """The run to go on with: the one that is named, or the latest unfinished one, of the task if there is one.

    Raises RunError where there is none.
    """
    if run is not True:
        return Run.open(Path(str(run)))
    return latest_unfinished(Path(task).stem if isinstance(task, str) else catalog.name_of(task))


def load(
    path: str | Path,
    application: str | None = None,
    *,
    precision: str = "fp32",
    options: Mapping[str, Any] | None = None,
    data: Any = None,
) -> Model:
    """The model in a run folder. `application` is the path of the task's file, if it is not where it was.

    `options` are how it is to answer, in place of those that the run has. `data` is where the data of its training lie
    now, if they moved. `precision` is that of its answers: fp32,
    bf16, or auto, which is bf16 where this machine computes it faster.
    Raises RunError for a folder that is no run, is damaged, or is of another format; UsageError for an unknown option.
    An exported model (`export`) is loaded from its folder as well, and answers as it was exported.
    """
    if is_exported(path):
        exported: Any = runtime.load(path).with_options(options or {})
        return exported
    run = Run.open(path)
    name = application or run.config["task"]
    if catalog.is_path(name) and not os.path.exists(name):
        fix = "Name the file's new place: load(run, application=PATH)"
        raise RunError("the file of the application that trained this model is gone", where=name, fix=fix)
    task, module = run.model(catalog.find(name), "last" if Path(path).name == "last" else "best")
    model = Model(run, task, module, setting=None if precision == "fp32" else choose(precision), place=data)
    return model.with_options(options or {})


def check(
    task: str,
    source: Any,
    columns: Columns | None = None,
    *,
    split: str = "",
    allow_bad: float | None = None,
    **settings: Any,
) -> Report:
    """What a task would see in the data, without training: counts, rejected rows, duplicates, oddities.

    `settings` are those that a training would be given (known="promo"). Without a task, that of the application that
    the data are most likely meant for, by what is in them. The report's first note says which, why, and which others
    are possible. Raises UsageError for settings that the task has not, or without a task.
    """
    if task:
        kind = catalog.find(task)
        named = kind.Recipe.named(source)[0] if issubclass(kind.Recipe, PlayRecipe) else {}
        recipe, answering = divided(kind, {**named, **settings})
        made = kind(kind.Recipe.make("small", recipe), kind.Options().changed(answering))
        return audit(made, source, _columns(columns, split), allow_bad=allow_bad)
    if settings:
        raise UsageError(f"{next(iter(settings))} is a setting of a task", fix="Name the task ahead of the data")
    possible, failures = _possible(source, _columns(columns, split))
    for candidate in possible:
        try:
            report = check(candidate.name, source, columns, split=split, allow_bad=allow_bad)
            return replace(report, notes=(guessing.told(possible, candidate, source), *report.notes))
        except DataError as error:
            failures.append(error)
    raise failures[0]


def _possible(source: Any, columns: Columns) -> tuple[list[guessing.Candidate], list[DataError]]:
    """The applications that can read a source, the likeliest first; of what is no path, all."""
    if isinstance(source, str | Path) and source != "demo":
        return guessing.candidates({name: catalog.find(name) for name in catalog.names()}, Path(source), columns)
    return [guessing.Candidate(name, 0.5, "") for name in catalog.names()], []


def compare(a: Model, b: Model, source: Any = None) -> Metrics:
    """How much better a is than b: the paired difference of each metric on the same rows, with 95 % intervals.

    Metrics that the rows say nothing of are in `left_out` of what is given, each with its reason.
    """
    if a.run.config["task"] != b.run.config["task"]:
        raise UsageError(
            "the two runs are of different tasks", where=f"{a.dir} and {b.dir}", fix="Compare two of one task"
        )
    if source is None and a.run.data["digest"] != b.run.data["digest"]:
        raise UsageError(
            "the two runs were trained on different data", fix="Name the rows to compare on: compare A B DATA"
        )
    found = evaluation.compare(a.task, a.records(source, beside=[b]), b.records(source, beside=[a]))
    return Metrics(found, a.task.row_metrics)


def export(
    model: Model,
    format: str,
    out: str | Path | None = None,
    *,
    card: str | None = "quick",
    say: Callable[[str], None] | None = None,
) -> Exported:
    """A model for programs without PyTorch: onnx, openvino, torch or int8, in `out` or RUN/exported/FORMAT.

    Its answers are compared with the model's on rows of the run, and it is measured beside it as the profile `card`
    says. `load` takes the folder. Raises UsageError for a format or a task that is not exported.
    """
    from sounding.exports.exporting import export as exported

    return exported(model, format, None if out is None else Path(out), profile=_profile(card), say=say)


def side_by_side(models: Sequence[Model], profile: Profile = "quick") -> TradeOffs:
    """What each of several runs of one task is better at: quality, calibration, robustness, energy, paired.

    Each is set against the first. Raises UsageError for different tasks or test rows.
    """
    return compare_runs({str(model.dir): model.context(profile) for model in models}, profile)


def pipeline(task: str | Path = "", model: str | Path | None = None) -> Callable[..., Any]:
    """A function that answers as the Hugging Face pipeline of that name does: dictionaries, best first.

    `task` is the pipeline's name or the application's, and `model` a run; or the run is the one argument. The function
    takes the inputs, options of the task by name, and `top_k`, how many of the best are given. Raises UsageError where
    no run is named, and where it is for another task, or of another direction (`translation_en_to_de`).
    """
    if model is None:
        task, model = "", _only_run(task)
    loaded = load(model)
    name = loaded.description.task if isinstance(loaded, runtime.ExportedModel) else loaded.run.config["task"]
    known = (loaded.task.pipeline, Path(name).stem)
    if (direction := directed(str(task), loaded.task.pipeline)) is not None:
        require_direction(loaded, *direction)
    elif task and task not in known:
        raise UsageError(f"the run is for {' or '.join(filter(None, known))}, not {task}", where=str(model))

    def answer(inputs: Any, top_k: int | None = None, **options: Any) -> Any:
        if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
            raise UsageError(f"top_k={top_k!r} is no number of answers", fix="Give 1 or more, or None for all")
        results = [best[:top_k] for best in loaded(inputs, **options).to_dicts()]
        return results if isinstance(inputs, list | tuple) or len(results) != 1 else results[0]

    return answer


def _only_run(named: str | Path) -> Path:
    """The run that is the one argument of a pipeline. Raises UsageError where it is none."""
    if not str(named) or not (Run.is_one(str(named)) or is_exported(Path(named))):
        found = f"{str(named)!r} is no run" if str(named) else "no run is named"
        fix = 'Give its folder: pipeline("runs/classify/1"), or pipeline("image-classification", "runs/classify/1")'
        raise UsageError(found, fix=fix)
    return Path(named)


def seconds(duration: str | float) -> float:
    """Seconds in "90", "90s", "10m" or "1.5h". Raises UsageError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?", str(duration).strip().lower())
    if not match or float(match[1]) <= 0:
        raise UsageError(f"no duration: {duration!r}", fix="Give seconds, minutes or hours: 90s, 10m, 1.5h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2] or "s"]


def _budget(epochs: float | None, steps: int | None, time: str | float | None, until: float | None) -> Budget:
    for name, value in (("epochs", epochs), ("steps", steps), ("until", until)):
        if value is not None and not isinstance(value, Real):
            raise UsageError(f"{name} is a number, and {value!r} is none", fix=f"Give it without quotes: {name}=100")
    given = {"epochs": epochs, "steps": steps, "time": time}
    require_one({f"{name}={value}": value is not None for name, value in given.items()})
    return Budget(epochs, steps, None if time is None else seconds(time), until)


def _profile(word: str | None) -> Profile | None:
    """The profile of a card; None for none. Raises UsageError for an unknown one."""
    if word is None or word == "none":
        return None
    known = get_args(Profile)
    if word not in known:
        raise UsageError(f"no profile {word!r}", fix=did_you_mean(word, [*known, "none"]))
    return word  # type: ignore[return-value]  # it is one of them


def _shaping(start: str, task: type[Task]) -> dict[str, Any]:
    """The settings that go with the weights that are begun with: what shapes their network, and how it is tuned."""
    if not start:
        return {}
    theirs = opened(start).shaping
    _require_of_its_kind(theirs, task)
    begun = task.Recipe.begun if theirs.get("architecture") else {}
    return {**begun, **{name: theirs[name] for name in task.Recipe.shaping if name in theirs}}


def _require_of_its_kind(theirs: Mapping[str, Any], task: type[Task]) -> None:
    """Raise UsageError for published weights that hear where a text is read, and the reverse."""
    kind = theirs.get("model") if theirs.get("architecture") else None
    if kind is None or not issubclass(task.Recipe, BegunRecipe) or task.Recipe.published == kind:
        return
    what, fix = "these weights read, and what is trained here hears", "Begin with Whisper's: --from whisper-tiny.en"
    if kind == "whisper":
        what, fix = "these weights hear speech, and what is trained here reads", "They are for recordings of speech"
    raise UsageError(what, fix=fix)


def _whole(path: str | Path) -> str:
    """The path as it is found from any folder; nothing stays nothing."""
    return str(Path(path).resolve()) if str(path) else ""
