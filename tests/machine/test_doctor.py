"""The doctor says what it found and why energy is or is not measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from sounding.machine import probe
from sounding.machine.doctor import report
from sounding.machine.metering import watts
from sounding.machine.probe import Probe


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(watts, "processor_name", lambda: "Unknown Processor")
    monkeypatch.setattr(probe, "measure", lambda: Probe(2.5, 3.25, 1.2, 1.4, 0.31))
    monkeypatch.delenv("SOUNDING_WATTS_PER_CORE", raising=False)


def test_every_line_names_its_finding(tmp_path):
    lines = report(tmp_path / "probe.json", tmp_path / "none")
    names = [line.split(":")[0] for line in lines if not line.startswith(" ")]
    assert names[:5] == ["sounding", "python", "torch", "processor", "threads"]
    for name in ("memory", "instruction sets", "oneDNN limit", "precision", "energy", "graphics energy", "extra gpu"):
        assert name in names
    assert {line[: line.index(":")] for line in lines if "disk" in line or "cache" in line} >= {"disk", "cache"}


def test_precision_is_told_with_the_ratios(tmp_path):
    (line,) = [line for line in report(tmp_path / "probe.json", tmp_path) if line.startswith("precision")]
    assert "bf16, images with channels last" in line
    assert "linear layer at 2.50 and a convolution at 3.25 times fp32 (probe of 0.31 s)" in line


def test_energy_is_said_to_be_estimated_and_why(tmp_path, monkeypatch):
    text = "\n".join(report(tmp_path / "probe.json", tmp_path / "none"))
    assert "estimated: 3.5 W per CPU-second" in text
    assert "why not measured: no energy counters: there is no" in text
    assert "SOUNDING_WATTS_PER_CORE=5.2" in text
    monkeypatch.setenv("SOUNDING_WATTS_PER_CORE", "9")
    assert "estimated: 9 W per CPU-second" in "\n".join(report(tmp_path / "probe.json", tmp_path / "none"))


def test_energy_is_said_to_be_measured(tmp_path):
    for i in range(2):
        folder = tmp_path / f"intel-rapl:{i}"
        folder.mkdir()
        for name, text in {"name": f"package-{i}", "energy_uj": "5", "max_energy_range_uj": "100"}.items():
            (folder / name).write_text(text)
    lines = report(tmp_path / "probe.json", tmp_path)
    assert any(line.endswith("measured: RAPL, 2 processors") for line in lines)
    assert not any("chmod" in line or "why not" in line for line in lines)


def test_a_counter_that_may_not_be_read_comes_with_the_command_that_opens_it(tmp_path, monkeypatch):
    folder = tmp_path / "intel-rapl:0"
    folder.mkdir()
    for name, text in {"name": "package-0", "energy_uj": "5", "max_energy_range_uj": "100"}.items():
        (folder / name).write_text(text)
    read = Path.read_text

    def guarded(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", guarded)
    text = "\n".join(report(tmp_path / "probe.json", tmp_path))
    assert "why not measured: powercap present but not readable: permission denied" in text
    assert "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj" in text


def test_regions_are_told(tmp_path):
    text = "\n".join(report(tmp_path / "probe.json", tmp_path / "none"))
    place, told = text.split("CO2e:")[1].split(":")[:2]
    assert "only where a region is named" in place
    assert {"SE,", "DE,", "world"} <= set(told.split())
    assert max(map(len, told.splitlines())) < 130


def test_a_limit_on_instruction_sets_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert any("ONEDNN_MAX_CPU_ISA=AVX2" in line for line in report(tmp_path / "probe.json", tmp_path))
