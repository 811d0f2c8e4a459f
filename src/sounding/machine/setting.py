"""How to compute on this machine: allocator, threads, precision and memory layout.

    prepare()   once in a process, before the first tensor: allocator and threads
    choose()    → Setting: precision and layout, by a short timing that is remembered between runs
    inference() the context in which a model only predicts

torch is imported inside the functions, because one setting (how long an idle thread spins) is read when it is loaded:
a command line that calls `prepare` first gets it, a program that imported torch before does without.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import json
import math
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sounding.errors import UsageError, did_you_mean

Precision = Literal["fp32", "bf16"]

ONEDNN_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
FLAGS: tuple[str, ...] = ("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16")
FLAGS += ("amx_tile", "amx_bf16", "asimd", "sve", "bf16", "i8mm")  # the last four are Arm's

_PROBES = 3  # counts the ways of probing: what an earlier one found is not trusted
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


@dataclass(frozen=True)
class Setting:
    """How tensors are computed. `probe` is the timing (ratios and seconds) that led to it, for the card."""

    threads: int = 1
    precision: Precision = "fp32"
    channels_last: bool = False
    device: str = "cpu"
    probe: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which layers compute in this precision; weights and losses stay fp32."""
        import torch

        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")

    @property
    def memory_format(self) -> Any:
        """The torch memory format for image batches [B, C, H, W] and models of convolutions."""
        import torch

        return torch.channels_last if self.channels_last else torch.contiguous_format

    def place(self, thing: Any) -> Any:
        """A model or an encoded batch on this device, and in this memory format where it has the axes for it."""
        import torch

        from sounding.contract.tree import tree_map

        if isinstance(thing, torch.nn.Module):
            move: Any = thing.to
            return move(self.device, memory_format=self.memory_format)
        return tree_map(self._placed, thing)

    def _placed(self, tensor: Any) -> Any:
        if tensor.ndim == 4:
            return tensor.to(self.device, memory_format=self.memory_format)
        return tensor.to(self.device)

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {**vars(self), "probe": dict(self.probe)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Setting:
        """The setting that gave `values`."""
        return cls(**values)


@contextlib.contextmanager
def inference(setting: Setting | None = None) -> Iterator[None]:
    """No gradients and no autograd bookkeeping, in the precision of `setting`; fp32 when none is given."""
    import torch

    with torch.inference_mode(), (setting or Setting()).autocast():
        yield


@functools.cache
def prepare() -> int:
    """Set allocator and threads, once in a process; returns the number of threads.

    The allocator setting keeps freed tensors in the process, where a later one of the same size needs no new pages from
    the system: 1.2 times the training speed of a small convolutional net. The price is that memory is not given back.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        # Threads that wait should not burn a core that a neighbour needs; on a quiet machine a short spin is free.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    _keep_freed_memory()
    import torch

    threads = usable_threads()
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return threads


def choose(override: str | None = None, *, cache: Path | None = None) -> Setting:
    """The fastest setting for training here, by a probe of about half a second whose result is kept in `cache`.

    `override` ("fp32" or "bf16") is the user's word and beats the probe. Raises UsageError for any other word.
    """
    if override not in (None, "auto", "fp32", "bf16"):
        raise UsageError(f"no precision {override!r}", fix=did_you_mean(str(override), ("auto", "fp32", "bf16")))
    import torch

    threads = prepare()
    if torch.cuda.is_available():
        chosen = "bf16" if torch.cuda.is_bf16_supported() else "fp32"
        return Setting(threads, _precision(override, chosen), channels_last=True, device="cuda")
    from sounding.machine.probe import Probe

    found = Probe.from_json(_remembered(cache or cache_folder() / "probe.json", _key(threads)))
    precision = _precision(override, found.precision)
    return Setting(threads, precision, found.channels_last(precision), "cpu", found.to_json())


def usable_threads() -> int:
    """OMP_NUM_THREADS where it is set, else the cores that this process may use."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdigit() and int(first) > 0 else usable_cores()


def usable_cores(root: Path = Path("/")) -> int:
    """Processors that the scheduler lets this process run on, cut to the quota of its container (cgroup v2 or v1)."""
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(free, math.ceil(min(_quotas(root), default=free))))


def processor() -> tuple[str, tuple[str, ...]]:
    """The processor's name and those of its instruction sets (`FLAGS`) that decide how fast layers run."""
    fields: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    name = fields.get("model name") or platform.processor() or platform.machine()
    return name, tuple(flag for flag in FLAGS if flag in flags)


def cache_folder() -> Path:
    """The user's folder for what can be made again. It may not exist, or not be writable."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "sounding"


def _precision(override: str | None, chosen: str) -> Precision:
    word = chosen if override in (None, "auto") else override
    return "bf16" if word == "bf16" else "fp32"


def _keep_freed_memory() -> None:
    if platform.libc_ver()[0] != "glibc":
        return
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)  # 2 GiB, less the byte that a C int cannot hold


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time that each control group above this process allows; none where there is no limit."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = Path(path.lstrip("/"))
        for folder in (inside, *inside.parents):
            if not controllers:
                yield from _quota(root / "sys/fs/cgroup" / folder / "cpu.max")
            elif "cpu" in controllers.split(","):
                base = root / "sys/fs/cgroup/cpu" / folder
                yield from _quota(base / "cpu.cfs_quota_us", base / "cpu.cfs_period_us")


def _quota(*files: Path) -> Iterator[float]:
    """Version 2 has "quota period" in one file, version 1 two files; "max" and -1 mean no limit."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = " ".join(file.read_text() for file in files).split()
        if quota != "max" and int(quota) > 0:
            yield int(quota) / int(period)


def _key(threads: int) -> str:
    """What the probe's result depends on, in one word."""
    import torch

    limits = [os.environ.get(name, "") for name in ONEDNN_LIMITS]
    words = json.dumps([_PROBES, *processor(), torch.__version__, threads, *limits])
    return hashlib.blake2b(words.encode(), digest_size=12).hexdigest()


def _remembered(file: Path, key: str) -> dict[str, Any]:
    """The probe kept in `file` under `key`, or a new one, kept if that can be done."""
    from sounding.machine import probe

    kept: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        read = json.loads(file.read_text())
        kept = read if isinstance(read, dict) else {}
    with contextlib.suppress(TypeError, KeyError):
        return probe.Probe.from_json(kept[key]).to_json()
    kept[key] = probe.measure().to_json()
    with contextlib.suppress(OSError):  # a read-only home costs half a second a run, not an error
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.write_text(json.dumps(kept, indent=1))
        fresh.replace(file)
    return kept[key]
