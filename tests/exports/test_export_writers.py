"""Exports of what writes token by token: the texts of their runs, without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import sounding as sd
from sounding.architectures.encoder_decoder import EncoderDecoder
from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.contract.postprocessing import Networks
from sounding.decoding.language_model import LanguageModelDecoder
from sounding.decoding.source_decoder import SourceDecoder
from sounding.decoding.step_graphs import cache_shape, source_graphs, step_graph
from sounding.decoding.stepped import SourceSteppedDecoder, SteppedDecoder
from sounding.errors import UsageError
from sounding.exports import graphs
from sounding.exports.parity import parity
from sounding.exports.sessions import open_session

pytest.importorskip("onnxscript", reason="what writes ONNX is an extra: pip install 'sounding[export]'")
pytest.importorskip("onnxruntime")

TRAINED = {"steps": 8, "size": "tiny", "card": None}
TASKS = {"generate": {"length": 12}, "translate": {"length": 8}, "summarize": {"length": 8}}
ASKED = {
    "generate": "The cook ",
    "translate": "The old dog sees the house.",
    "summarize": "The library of Wyndale has 800 records. It is open on Monday. It is closed in May.",
}
WAYS = {
    "generate": [
        {"temperature": 0},
        {"temperature": 1.3, "top_k": 6, "top_p": 0.8, "seed": 3},
        {"beams": 3, "no_repeat": 3},
        {"length": 90, "repetition_penalty": 1.2},  # more than the model sees at a time
    ],
    "translate": [{"beams": 1}, {"beams": 4, "beginning": "Der", "length_penalty": 0.5}],
    "summarize": [{"beams": 1, "no_repeat": 2}, {"beams": 3, "shortest": 5}],
}
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import httpx
import sounding.serve.running  # all that a service brings
from sounding.serve.app import app
from sounding.serve.models import Shelf

async def answers(folders, requests):
    transport = httpx.ASGITransport(app(Shelf([Path(folder) for folder in folders], 2**30)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=300) as client:
        models = (await client.get("/v1/models")).json()["data"]
        found = []
        for number, address, body in requests:
            answer = await client.post(address, json={"model": models[number]["id"], **body})
            found.append(answer.text)
    return found

found = asyncio.run(answers(*json.load(sys.stdin)))
heavy = [name for name in ("torch", "jaxtyping", "pyarrow", "matplotlib", "numba", "scipy") if name in sys.modules]
print(json.dumps([found, heavy]))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory, untyped):
    found = {}
    for name, words in TASKS.items():
        run = sd.train(name, "demo", out=tmp_path_factory.mktemp(name), **TRAINED, **words)
        with untyped():
            found[name] = run, sd.export(run, "onnx", card=None)
    return found


@pytest.mark.parametrize("name", TASKS)
def test_every_row_is_answered_as_the_run_answers_it(exported, name):
    _, made = exported[name]
    assert made.parity.kept
    assert made.parity.rows > 20
    assert made.parity.different == 0
    assert made.parity.largest < 1e-4
    said = json.loads((made.model.dir / "model.json").read_text())
    assert said["postprocessing"]["steps"]


@pytest.mark.parametrize("name", TASKS)
def test_however_it_is_asked_it_writes_what_the_run_writes(exported, name):
    run, made = exported[name]
    rows = [str(example.input) for example in run.dataset().test][:3]
    for options in WAYS[name]:
        own, theirs = (model(rows, **options) for model in (run, made.model))
        assert [each.label for each in theirs] == [each.label for each in own]
        assert [each.score for each in theirs] == pytest.approx([each.score for each in own], abs=1e-4)
    with pytest.raises(UsageError, match="no setting 'beems'"):
        made.model(rows, beems=2)


def test_a_service_answers_without_torch(exported):
    run, _ = exported["generate"]
    body = {"prompt": ASKED["generate"], "max_tokens": 8, "temperature": 0.9, "seed": 4}
    requests = [
        (0, "/v1/completions", body),
        (0, "/v1/completions", {**body, "stream": True}),
        *((k, "/v1/predict", {"inputs": ASKED[name]}) for k, name in enumerate(TASKS)),
    ]
    folders = [str(each.model.dir) for _, each in exported.values()]
    sent = json.dumps([folders, requests])
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=sent, capture_output=True, text=True, check=True)
    (completed, streamed, *predicted), heavy = json.loads(done.stdout)
    assert heavy == []
    own = run(ASKED["generate"], length=8, temperature=0.9, seed=4)[0].label
    assert json.loads(completed)["choices"][0]["text"] == own
    events = [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: {")]
    pieces = [event["choices"][0]["text"] for event in events]
    assert len(pieces) > 2
    assert "".join(pieces) == own
    for name, answer in zip(TASKS, predicted, strict=True):
        run, _ = exported[name]
        assert json.loads(answer) == run(ASKED[name]).to_dicts()[0]


def test_a_text_is_streamed_and_options_may_be_a_part_of_the_model(exported, tmp_path, untyped):
    run, made = exported["generate"]
    pieces = list(made.model.stream(ASKED["generate"], seed=2))
    assert pieces == list(run.stream(ASKED["generate"], seed=2))
    assert len(pieces) > 1
    with untyped():
        greedy = sd.export(sd.load(run.dir, options={"temperature": 0, "length": 4}), "int8", tmp_path, card=None)
    assert greedy.model.task.options.length == 4
    assert greedy.how.startswith("dynamic")
    assert 1e-6 < greedy.parity.largest < 0.2
    assert len(greedy.model(ASKED["generate"])[0].label) <= 4


def test_losses_ask_the_exported_network(exported):
    run, made = exported["generate"]
    rows = run.dataset().test[:3]
    own = run.task.evaluate(run.module, rows)

    def sharper(x):
        logits, *cache = made.model.network(x)
        return (2 * logits, *cache)

    same, other = (run.task.standing_in(run.module, network) for network in (made.model.network, sharper))
    losses = [[record.loss for record in run.task.evaluate(module, rows)] for module in (same, other)]
    assert losses[0] == pytest.approx([record.loss for record in own], abs=1e-5)
    assert losses[1] != pytest.approx(losses[0], abs=1e-3)


@pytest.mark.parametrize("name", ["translate", "summarize"])
def test_losses_of_what_reads_and_writes_ask_the_exported_networks(exported, name):
    run, made = exported[name]
    rows = run.dataset().test[:3]
    network = made.model.network

    def sharper(x):
        logits, *cache = network.named["decoder"](x)
        return (2 * logits, *cache)

    other = Networks({**network.named, "decoder": sharper})
    own, same, changed = (
        run.task.evaluate_rows(module, rows)
        for module in (run.module, *(run.task.standing_in(run.module, each) for each in (network, other)))
    )
    assert [record.loss for record in same] == pytest.approx([record.loss for record in own], abs=1e-5)
    assert [record.value for record in same] == [record.value for record in own]
    assert [record.loss for record in changed] != pytest.approx([record.loss for record in own], abs=1e-3)


def test_what_only_a_run_tells_is_refused(exported):
    _, made = exported["translate"]
    with pytest.raises(UsageError, match="does not say what was looked at"):
        made.model(ASKED["translate"], alignment=True)


def test_parity_sees_a_network_that_is_another_one(exported):
    run, made = exported["generate"]
    with_other_weights = sd.load(run.dir)
    with_other_weights.module.output.weight.data.mul_(1.5)
    rows = [example.input for example in run.dataset().test][:4]
    assert not parity(with_other_weights.task, with_other_weights.module, made.model, rows).kept


READING = {"vocabulary": 30, "width": 16, "layers": 2, "heads": 4, "context": 32}
BART = {"positions": "learned", "position_offset": 2, "norm_first": False, "embedding_norm": True, "activation": "gelu"}
T5 = {"positions": "relative", "norm": "rms", "bias": False, "key_value_heads": 2}


@pytest.mark.parametrize("words", [BART, T5], ids=["bart", "t5"])
def test_published_pairs_write_as_their_modules_do_whatever_rows_go_on(words, tmp_path, untyped):
    """Beams of several texts, some of which are dropped, and then single rows of some."""
    torch.manual_seed(0)
    shape = {**READING, **words}
    net = EncoderDecoder(TransformerConfig(**shape), TransformerConfig(**shape, causal=True, memory=True)).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.4)
    net.requires_grad_(False)
    with untyped():
        files = {name: graphs.written(graph, "onnx", tmp_path, name) for name, graph in source_graphs(net).items()}
    networks = Networks({name: open_session("onnx", tmp_path / file) for name, file in files.items()})
    source, lengths = (
        torch.randint(5, 30, (4, 8), generator=torch.Generator().manual_seed(3)),
        torch.tensor([8, 3, 5, 1]),
    )
    own = SourceDecoder(net, source, lengths, 12)
    x = source.numpy(), lengths.numpy()
    theirs = SourceSteppedDecoder(networks, x, cache_shape(net.decoder.transformer.config), 12, 32, copying=False)
    prompts = [[1, 2]] * 4
    np.testing.assert_allclose(theirs.start(prompts), own.start(prompts), atol=1e-4)
    for rows in ([0, 1, 2, 3], [0, 0, 1, 1, 2, 2, 3, 3], [1, 0, 3, 2, 4, 4, 7, 6], [4, 5, 6, 7], [3, 0, 1], [0, 0, 2]):
        for decoder in (own, theirs):
            decoder.take(np.array(rows))
        ids = np.arange(len(rows)) + 5
        np.testing.assert_allclose(theirs.step(ids), own.step(ids), atol=1e-4)


LLAMA = {"norm": "rms", "gated": True, "activation": "silu", "bias": False, "key_value_heads": 2, "head_width": 6}
GPT2 = {"positions": "learned", "activation": "gelu_tanh"}


@pytest.mark.parametrize("words", [GPT2, LLAMA, {"positions": "relative"}], ids=["gpt2", "llama", "relative"])
def test_published_layouts_step_as_their_modules_do_whatever_rows_go_on(words, tmp_path, untyped):
    torch.manual_seed(0)
    shape = {"vocabulary": 30, "width": 16, "layers": 2, "heads": 4, "causal": True, "context": 8, **words}
    net = LanguageModel(TransformerConfig(**shape)).eval().requires_grad_(False)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.4)
    with untyped():
        network = open_session("onnx", tmp_path / graphs.written(step_graph(net), "onnx", tmp_path))
    own, theirs = LanguageModelDecoder(net, 30), SteppedDecoder(network, cache_shape(net.transformer.config), 30, 8)
    prompts, rng = [[1, 2, 3, 4, 5], [7], [8, 9, 10]], np.random.default_rng(0)
    np.testing.assert_allclose(theirs.start(prompts), own.start(prompts), atol=1e-4)
    for rows in ([0, 1, 2], [2, 2, 0], [1, 2, 0, 0], [3, 1], [0, 1], [1]):
        ids = rng.integers(0, 30, len(rows))
        for decoder in (own, theirs):
            decoder.take(np.array(rows))
        np.testing.assert_allclose(theirs.step(ids), own.step(ids), atol=1e-4)
