"""How the machine is used: threads within the quota, a probe that is quick, remembered, and refuses a slow bf16."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from sounding.errors import UsageError
from sounding.machine import probe
from sounding.machine import setting as machine
from sounding.machine.probe import Probe
from sounding.machine.setting import Setting, choose, inference, usable_cores, usable_threads


def run(code: str, **environment: str) -> str:
    """What a fresh process prints; the environment of this one, less its threads, with `environment` over it."""
    own = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**own, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---- threads and allocator


def cgroup(root, text: str, files: dict[str, str]):
    for name, content in {"proc/self/cgroup": text, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    ("text", "files", "cores"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ("0::/a/b\n", {"sys/fs/cgroup/a/cpu.max": "150000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, 2),
        ("0::/a/b\n", {"sys/fs/cgroup/cpu.max": "20000 100000\n"}, 1),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        (
            "4:cpu,cpuacct:/x\n",
            {"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "300000\n", "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        (
            "4:cpu,cpuacct:/x\n",
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
            8,
        ),
        ("7:memory:/x\n", {"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "100000\n"}, 8),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "nonsense"}, 8),
    ],
)
def test_a_containers_quota_limits_the_threads(tmp_path, monkeypatch, text, files, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert usable_cores(cgroup(tmp_path, text, files)) == cores


def test_without_control_groups_the_scheduler_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert usable_cores(tmp_path) == 3


@pytest.mark.parametrize(("text", "threads"), [("3", 3), ("4,2", 4), ("0", 5), ("many", 5), ("", 5)])
def test_the_users_number_of_threads_is_respected(monkeypatch, text, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    monkeypatch.setattr(machine, "usable_cores", lambda: 5)
    assert usable_threads() == threads


def test_a_fresh_process_is_prepared_before_torch_is_loaded():
    code = """
import os, sys
from sounding.machine import setting as machine
assert "torch" not in sys.modules, "torch was imported too early for the spin count to be read"
threads = machine.prepare()
import torch
assert torch.get_num_threads() == threads == machine.usable_cores()
assert machine.prepare() == threads
print(os.environ.get("GOMP_SPINCOUNT"))"""
    assert run(code) == "1000"
    assert run(code, GOMP_SPINCOUNT="7") == "7", "the user's own value stays"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator setting is for glibc on Linux")
def test_freed_tensors_stay_with_the_process():
    """A fresh tensor of a size used before must not fault its pages in again."""
    code = """
import resource
from sounding.machine import setting as machine
if {prepare}: machine.prepare()
import torch
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    for _ in range(10): torch.ones(16_000_000)
work()  # the allocator finds its size
before = faults()
work()
print(faults() - before)"""
    prepared, ordinary = (int(run(code.format(prepare=p), OMP_NUM_THREADS="1")) for p in (True, False))
    assert prepared < ordinary / 10


# ---- the choice


def found(**speeds) -> Probe:
    return Probe(**{"linear": 2.0, "conv": 2.0, "fp32_layout": 1.2, "bf16_layout": 1.2, "seconds": 0.3, **speeds})


@pytest.mark.parametrize(
    ("speeds", "precision"),
    [
        ({}, "bf16"),
        ({"linear": 1.31, "conv": 1.31}, "bf16"),
        ({"conv": 1.29}, "fp32"),
        ({"linear": 1.29}, "fp32"),
        ({"linear": None, "conv": None, "reason": "bf16 is 20 times slower on a small linear layer"}, "fp32"),
    ],
)
def test_bf16_is_chosen_only_where_both_layers_gain(speeds, precision):
    assert found(**speeds).precision == precision


def test_the_layout_is_that_of_the_precision():
    probe = found(fp32_layout=0.8, bf16_layout=1.5)
    assert (probe.channels_last("fp32"), probe.channels_last("bf16")) == (False, True)


def test_the_probe_is_made_once_and_remembered(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(probe, "measure", lambda: made.append(1) or found())
    file = tmp_path / "deep" / "probe.json"
    first, second = choose(cache=file), choose(cache=file)
    assert first == second
    assert first.precision == "bf16"
    assert first.probe["linear"] == 2.0
    assert len(made) == 1
    assert [path.name for path in file.parent.iterdir()] == ["probe.json"], "no half-written file is left behind"


@pytest.mark.parametrize(
    "change",
    [
        ("environment", "ONEDNN_MAX_CPU_ISA", "AVX2"),
        ("environment", "DNNL_MAX_CPU_ISA", "SSE41"),
        ("attribute", "processor", lambda: ("Another", ())),
        ("attribute", "prepare", lambda: 64),
    ],
)
def test_another_machine_is_probed_anew(tmp_path, monkeypatch, change):
    made = []
    monkeypatch.setattr(probe, "measure", lambda: made.append(1) or found())
    choose(cache=tmp_path / "probe.json")
    kind, name, value = change
    monkeypatch.setenv(name, value) if kind == "environment" else monkeypatch.setattr(machine, name, value)
    choose(cache=tmp_path / "probe.json")
    assert len(made) == 2


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "key"])
def test_a_damaged_cache_is_made_again(tmp_path, monkeypatch, content):
    monkeypatch.setattr(probe, "measure", found)
    file = tmp_path / "probe.json"
    key = machine._key(machine.prepare())
    file.write_text(json.dumps({key: {"speed": 9}}) if content == "key" else content)
    assert choose(cache=file).precision == "bf16"
    assert json.loads(file.read_text())[key]["linear"] == 2.0


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "measure", found)
    (tmp_path / "file").write_text("in the way")
    assert choose(cache=tmp_path / "file" / "probe.json").precision == "bf16"


def test_the_users_word_beats_the_probe(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "measure", lambda: found(fp32_layout=0.5))
    fp32, auto = (choose(word, cache=tmp_path / "probe.json") for word in ("fp32", "auto"))
    assert (fp32.precision, fp32.channels_last) == ("fp32", False)
    assert (auto.precision, auto.channels_last) == ("bf16", True)


def test_an_unknown_precision_is_a_usage_error():
    with pytest.raises(UsageError, match=r"no precision 'bf15'\. Did you mean bf16\?"):
        choose("bf15")


def test_on_a_graphics_card_nothing_is_probed(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert (choose().device, choose().precision, choose("fp32").precision) == ("cuda", "bf16", "fp32")
    assert choose().probe == {}


def test_one_interrupted_round_does_not_make_bf16_hopeless(monkeypatch):
    rounds = iter(range(1_000))

    def seconds(work, precision):
        return 100.0 if precision == "bf16" and next(rounds) < 2 else 1.0  # the warm-up, and a neighbour's turn

    monkeypatch.setattr(probe, "_seconds", seconds)
    assert probe._hopeless() == ""
    monkeypatch.setattr(probe, "_seconds", lambda work, precision: 100.0 if precision == "bf16" else 1.0)
    assert "bf16 is 100 times slower" in probe._hopeless()


def test_the_real_probe_is_quick_and_draws_nothing(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    start = time.process_time()
    setting = choose(cache=tmp_path / "probe.json")
    assert time.process_time() - start < 3, "meant to be under a second; three leaves room for a busy machine"
    assert setting.probe["fp32_layout"] > 0
    assert torch.equal(torch.rand(3), expected), "the probe must not disturb anybody's random numbers"


# ---- a setting at work


def test_a_setting_survives_json():
    setting = Setting(2, "bf16", True, "cpu", {"linear": 3.5})
    back = Setting.from_json(json.loads(json.dumps(setting.to_json())))
    assert back == setting
    assert back.probe == setting.probe


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_layers_compute_in_the_precision_of_the_setting(precision, dtype):
    layer = nn.Linear(4, 4)
    with Setting(precision=precision).autocast():
        y = layer(torch.rand(2, 4))
    y.sum().backward()
    assert (y.dtype, layer.weight.dtype, layer.weight.grad.dtype) == (dtype, torch.float32, torch.float32)


def test_inference_needs_no_gradients_and_is_fp32_unless_told():
    layer = nn.Linear(4, 4)
    with inference():
        y = layer(torch.rand(2, 4))
    assert (y.dtype, y.is_inference()) == (torch.float32, True)
    with inference(Setting(precision="bf16")):
        assert layer(torch.rand(2, 4)).dtype == torch.bfloat16
    assert layer(torch.rand(2, 4)).requires_grad


@pytest.mark.parametrize("last", [True, False])
def test_models_and_images_take_the_layout_of_the_setting(last):
    setting = Setting(channels_last=last)
    model, x = setting.place(nn.Conv2d(3, 4, 3)), setting.place(torch.rand(2, 3, 8, 8))
    for tensor in (model.weight, x):
        assert tensor.is_contiguous(memory_format=setting.memory_format)
        assert tensor.is_contiguous() is not last
    assert setting.place(torch.ones(2, 3)).shape == (2, 3)
