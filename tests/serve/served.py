"""A service for tests: untrained models of every application on a shelf, asked in memory or over a real socket."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image

from sounding import catalog
from sounding.contract.inputs import Assembled
from sounding.contract.records import Example
from sounding.contract.task import Learning, Task, built
from sounding.files import write_json, write_tensors
from sounding.modalities.vectors import Vector
from sounding.randomness import stream
from sounding.runs.folder import SCHEMA, Run
from sounding.runs.model import Model
from sounding.serve.app import app
from sounding.serve.models import Shelf
from sounding.serve.running import server
from sounding.serve.settings import Limits, Settings

PATIENCE = 300.0
"""Seconds: rules of games are compiled when they are first played, which takes long on a busy machine."""
SMALL = Limits(body=2**20, pixels=10_000, seconds=20.0, characters=10_000, inputs=8, upload=3.0)


@cache
def untrained(name: str) -> tuple[Model, list[Example]]:
    """A model of an application as it comes from its initialisation, and rows of its demonstration; one for all."""
    application = catalog.find(name)
    task = application(application.Recipe.make("tiny", {}))
    rows = task.demo(stream("served", name), 400 if task.learns is Learning.DOCUMENTS else 24)
    task.fit(rows)
    if task.learns is Learning.DOCUMENTS:
        rows = list(task.windows([row.input for row in rows]))[:24]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = built(task).eval().requires_grad_(False)
    return Model(Run(Path(name)), task, module), rows


def save(model: Model, folder: Path) -> Path:
    """The model as a run folder without a history."""
    name = catalog.name_of(type(model.task))
    write_json(folder / "config.json", {"schema": SCHEMA, "task": name, **model.task.state()})
    write_tensors(folder / "model.safetensors", model.module.state_dict())
    return folder


class Local:
    """A service on a free port of the loopback, in a thread of its own; `http` asks it."""

    def __init__(self, *folders: Path, token: str = "", **settings: Any) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        limits = settings.pop("limits", SMALL)
        self.shelf = Shelf(folders, settings.pop("memory", 2**30), every=0.0)
        settings.setdefault("timeout", PATIENCE)
        told = Settings(token=token, limits=limits, **settings)
        self.app = app(self.shelf, told)
        self.service = self.app.state.service
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = server(self.app, told, timeout_graceful_shutdown=5)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, trust_env=False)
        until = time.monotonic() + 20
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)


@contextlib.contextmanager
def serving(*folders: Path, **settings: Any) -> Iterator[Local]:
    local = Local(*folders, **settings)
    try:
        yield local
    finally:
        local.close()


def sendable(task: Task, value: Any) -> Any:
    """A value as JSON can carry it to a service."""
    if isinstance(value, str):
        return str(value)
    if isinstance(task.input, Assembled):
        columns = {name: column.tolist() for name, column in zip(value.columns, value.values.T, strict=True)}
        return {"time": [value.time(step) for step in range(len(value))], **columns}
    if hasattr(value, "second"):
        return {"first": png(value.first), "second": png(value.second if value.second is not None else value.first)}
    if isinstance(value, np.void):
        return task.input.to_json(value)
    if isinstance(task.input, Vector):
        return " ".join(str(number) for number in value.tolist())
    if value.ndim == 1:
        return {"array": [float(x) for x in value], "sampling_rate": task.input.rate}
    return png(value)


def png(value: np.ndarray) -> str:
    """A picture's file in base64."""
    array = value if value.dtype == np.uint8 else np.round(value * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def error(response: httpx.Response) -> str:
    """The one message of a refusal."""
    return json.loads(response.text)["error"]["message"]
