"""What this machine can do, in lines of text: the answer of `sounding doctor`.

Each line is a name and a finding; where something could be better, the finding says what to do.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import textwrap
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from sounding.machine import setting as machine
from sounding.machine.metering.carbon import regions
from sounding.machine.metering.powercap import POWERCAP, UNLOCK, Forbidden, Unreadable, cards, zones
from sounding.machine.metering.watts import VARIABLE, given_watts, rate


def report(cache: Path | None = None, powercap: Path = POWERCAP) -> list[str]:
    """The lines, "name: finding"; a line that begins with blanks goes on with the one before.

    Takes up to a second the first time, when the precision is probed.

    `cache` is where the probe's result is kept, `powercap` the tree of energy counters. Raises UsageError for a bad
    SOUNDING_WATTS_PER_CORE.
    """
    found = [*_software(), *_processor(), *_precision(cache), *_energy(powercap), *_extras(), *_places()]
    width = max(len(name) for name, _ in found)
    return [f"{f'{name}:' if name else '':<{width + 2}}{finding}" for name, finding in found]


def _software() -> Iterator[tuple[str, str]]:
    import torch

    yield "sounding", metadata.version("sounding")
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield "torch", torch.__version__


def _processor() -> Iterator[tuple[str, str]]:
    name, flags = machine.processor()
    cores, threads = machine.usable_cores(), machine.usable_threads()
    yield "processor", name
    why = " (OMP_NUM_THREADS)" if os.environ.get("OMP_NUM_THREADS") else ""
    yield "threads", f"{threads}{why} of {cores} usable cores; the machine has {os.cpu_count()}"
    if memory := _memory():
        yield "memory", f"{memory / 1e9:.1f} GB"
    known = ", ".join(f"{label} {'yes' if flag in flags else 'no'}" for label, flag in _SETS.items())
    yield "instruction sets", known if flags else "unknown on this system"
    limits = [f"{key}={os.environ[key]}" for key in machine.ONEDNN_LIMITS if os.environ.get(key)]
    yield "oneDNN limit", ", ".join(limits) or "none"


_SETS = {"avx2": "avx2", "avx512": "avx512f", "avx512 bf16": "avx512_bf16", "amx bf16": "amx_bf16"}


def _precision(cache: Path | None) -> Iterator[tuple[str, str]]:
    setting = machine.choose(cache=cache)
    layout = "channels last" if setting.channels_last else "channels first"
    yield "device", "CUDA" if setting.device == "cuda" else "CPU"
    yield "precision", f"{setting.precision}, images with {layout}; {_probed(dict(setting.probe))}"


def _probed(probe: dict[str, float | str | None]) -> str:
    if not probe:
        return "not probed: the graphics card says what it supports"
    spent = f"(probe of {probe['seconds']:.2f} s)"
    if probe["reason"]:
        return f"{probe['reason']} {spent}"
    return (
        f"bf16 runs a linear layer at {probe['linear']:.2f} and a convolution at {probe['conv']:.2f} times fp32 {spent}"
    )


def _energy(powercap: Path) -> Iterator[tuple[str, str]]:
    """Where joules come from here, and what would be better."""
    try:
        parts = [zone.part for zone in zones(powercap)]
        sockets = parts.count("package")
        memory = ", and memory" if "dram" in parts else ""
        yield "energy", f"measured: RAPL, {sockets} processor{'s' if sockets > 1 else ''}{memory}"
    except Unreadable as reason:
        used = rate()
        low, high = used.factors
        yield "energy", f"estimated: {used.words}, good to a factor of {low:g} to {high:g}"
        yield "", f"why not measured: {reason}"
        yield from _better(reason, given_watts() is not None)
    try:
        cards()
        yield "graphics energy", "measured: NVML"
    except Unreadable as reason:
        yield "graphics energy", f"none: {reason}"
    yield "CO2e", f"only where a region is named; {len(regions())} are known:"
    for line in textwrap.wrap(", ".join(regions()), 100):
        yield "", line


def _better(reason: Unreadable, given: bool) -> Iterator[tuple[str, str]]:
    if isinstance(reason, Forbidden):
        yield "", f"to measure, until the next start of the machine: {UNLOCK}"
    else:
        yield "", "counters are read on Linux only, and a virtual machine rarely shows those of its host"
    if not given:
        yield "", f"a known wattage of one busy core makes it better: {VARIABLE}=5.2"
    yield "", "joules that you read from a meter at the plug can be given for a training, and count as measured"


def _extras() -> Iterator[tuple[str, str]]:
    """Each optional group of packages that the project declares, and what of it is missing."""
    wanted: dict[str, list[str]] = {}
    for line in metadata.requires("sounding") or ():
        if found := re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", line):
            wanted.setdefault(found[2], []).append(found[1])
    for extra, packages in wanted.items():
        missing = [package for package in packages if not _installed(package)]
        fix = f"missing {', '.join(missing)}; pip install 'sounding[{extra}]'"
        yield f"extra {extra}", fix if missing else "installed"


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _places() -> Iterator[tuple[str, str]]:
    folder = machine.cache_folder()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    note = "" if os.access(there, os.W_OK) else " (not writable: the probe runs again each time)"
    yield "cache", f"{folder}{note}"
    yield "disk", f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB free here"


def _memory() -> int:
    """Bytes of the machine's memory, 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
