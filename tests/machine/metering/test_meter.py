"""The meter, against a tree of counters that the test turns by hand, and against what the processor did."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from sounding.errors import UsageError
from sounding.machine.metering import meter as meter_module
from sounding.machine.metering import watts
from sounding.machine.metering.meter import VARIABLE, Cost, Meter
from sounding.machine.metering.powercap import Rapl, Unreadable, cards, zones

WRAP = 262_143_328_850  # µJ, as Intel's client processors have it


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch, tmp_path):
    """No wattage in the environment, no calibration, and a processor that no table knows."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(watts, "processor_name", lambda: "Unknown Processor")


def zone(root: Path, name: str, part: str, micro: int = 0, wrap: int = WRAP) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(part + "\n")
    (folder / "energy_uj").write_text(f"{micro}\n")
    (folder / "max_energy_range_uj").write_text(f"{wrap}\n")
    return folder


def turn(folder: Path, micro: int) -> None:
    (folder / "energy_uj").write_text(f"{micro}\n")


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


# ---- the processor's counter


def test_a_counter_gives_measured_joules(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    with Meter(root=tmp_path) as meter:
        turn(package, 17_500_000)
    assert meter.cost.joules.value == pytest.approx(12.5)
    assert (meter.cost.source, meter.cost.kind) == ("rapl", "measured")
    assert meter.cost.joules.low is None, "one reading of a counter has no spread"


def test_a_counter_that_starts_again_loses_nothing(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", WRAP - 1_000_000)
    with Meter(root=tmp_path) as meter:
        turn(package, 2_000_000)
    assert meter.cost.joules.value == pytest.approx(3.0)


def test_a_counter_that_starts_again_twice_is_caught_by_the_thread(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0", 0, wrap=10_000_000)
    rapl = Rapl(zones(tmp_path))
    with rapl.watching(every=0.005):
        for micro in (9_000_000, 1_000_000, 9_500_000, 500_000):  # +9 +2 +8.5 +1 J
            turn(package, micro)
            time.sleep(0.1)
    assert rapl.poll()["package"] == pytest.approx(20.5)


def test_sockets_add_up_and_parts_of_a_socket_do_not_count_twice(tmp_path):
    first, second = zone(tmp_path, "intel-rapl:0", "package-0"), zone(tmp_path, "intel-rapl:1", "package-1")
    others = [
        zone(tmp_path, "intel-rapl:0:0", "core"),
        zone(tmp_path, "intel-rapl:0:1", "uncore"),
        zone(tmp_path, "intel-rapl:2", "psys"),
        zone(tmp_path, "intel-rapl-mmio:0", "package-0"),
    ]
    with Meter(root=tmp_path) as meter:
        turn(first, 3_000_000)
        turn(second, 4_000_000)
        for other in others:
            turn(other, 100_000_000)
    assert meter.cost.joules.value == pytest.approx(7.0)


@pytest.mark.parametrize("place", ["intel-rapl:0:2", "intel-rapl:0/intel-rapl:0:2"])
def test_memory_stands_on_a_line_of_its_own(tmp_path, place):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    memory = zone(tmp_path, place, "dram")
    with Meter(root=tmp_path) as meter:
        turn(package, 3_000_000)
        turn(memory, 1_250_000)
    assert meter.cost.joules.value == pytest.approx(3.0)
    assert meter.cost.memory_joules.value == pytest.approx(1.25)
    assert meter.cost.memory_source == "rapl"


def test_a_zone_seen_flat_and_nested_counts_once(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    nested = zone(tmp_path, "intel-rapl:0/intel-rapl:0:2", "dram")
    (tmp_path / "intel-rapl:0:2").symlink_to(nested)
    assert [found.part for found in zones(tmp_path)] == ["package", "dram"]
    assert zones(tmp_path)[0].path == package


def test_a_counter_that_may_not_be_read_falls_through_and_says_so(tmp_path, monkeypatch):
    zone(tmp_path, "intel-rapl:0", "package-0")
    read = Path.read_text

    def guarded(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", guarded)
    with Meter(root=tmp_path) as meter:
        burn(0.02)
    assert meter.cost.kind == "estimated"
    assert (
        meter.cost.note
        == "powercap present but not readable: permission denied (it is the administrator's) at intel-rapl:0"
    )


@pytest.mark.parametrize(
    ("parts", "why"),
    [((), "without a processor's counter"), (("psys",), "without a processor's counter"), (("dram",), "without a")],
)
def test_a_tree_without_a_processor_is_no_meter(tmp_path, parts, why):
    for i, part in enumerate(parts):
        zone(tmp_path, f"intel-rapl:{i}", part)
    with pytest.raises(Unreadable, match=why):
        zones(tmp_path)


def test_a_counter_that_goes_away_makes_an_estimate_of_the_whole(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    with Meter(root=tmp_path) as meter:
        turn(package, 90_000_000)
        (package / "energy_uj").unlink()
        burn(0.02)
    assert (meter.cost.kind, meter.cost.source) == ("estimated", "estimate: 3.5 W per CPU-second")
    assert meter.cost.joules.value == pytest.approx(3.5 * meter.cost.cpu_seconds)
    assert meter.cost.note.startswith("the energy counter could be read at first and then no more")


def test_a_damaged_counter_is_named(tmp_path):
    (zone(tmp_path, "intel-rapl:0", "package-0") / "energy_uj").write_text("soon")
    with pytest.raises(Unreadable, match=r"not readable.*soon.*intel-rapl:0"):
        zones(tmp_path)


# ---- graphics cards


class FakeCards(types.ModuleType):
    class NVMLError(Exception):
        pass

    def __init__(self, millijoules: dict[int, int]) -> None:
        super().__init__("pynvml")
        self.millijoules = millijoules

    def nvmlInit(self) -> None:
        if not self.millijoules:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:
        return len(self.millijoules)

    def nvmlDeviceGetHandleByIndex(self, i: int) -> int:
        return i

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        return self.millijoules[handle]


def test_graphics_cards_add_to_the_processor(tmp_path, monkeypatch):
    fake = FakeCards({0: 1_000, 1: 5_000})
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    with Meter(root=tmp_path) as meter:
        turn(package, 2_000_000)
        fake.millijoules.update({0: 4_000, 1: 6_500})
    assert meter.cost.joules.value == pytest.approx(2.0 + 3.0 + 1.5)
    assert (meter.cost.source, meter.cost.kind) == ("rapl + nvml", "measured")


def test_a_measured_card_beside_an_estimated_processor_is_an_estimate(tmp_path, monkeypatch):
    fake = FakeCards({0: 0})
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    with Meter(root=tmp_path / "none") as meter:
        fake.millijoules[0] = 8_000
    assert meter.cost.kind == "estimated"
    assert meter.cost.joules.low >= 8.0, "what was measured is not uncertain"


@pytest.mark.parametrize("used", [True, False])
def test_a_card_that_is_used_and_cannot_be_read_leaves_no_measurement(tmp_path, monkeypatch, used):
    monkeypatch.setitem(sys.modules, "pynvml", FakeCards({}))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: used)
    zone(tmp_path, "intel-rapl:0", "package-0")
    with Meter(root=tmp_path) as meter:
        pass
    said = ("rapl, without the graphics card", "estimated") if used else ("rapl", "measured")
    assert (meter.cost.source, meter.cost.kind) == said
    assert ("Driver Not Loaded" in meter.cost.note) == used


def test_a_card_that_is_lost_costs_the_measurement_and_not_the_work(tmp_path, monkeypatch):
    fake = FakeCards({0: 1_000})
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)

    def lost(i: int) -> int:
        raise fake.NVMLError("GPU is lost")

    zone(tmp_path, "intel-rapl:0", "package-0")
    with Meter(root=tmp_path) as meter:
        monkeypatch.setattr(fake, "nvmlDeviceGetTotalEnergyConsumption", lost)
    assert meter.cost.kind == "estimated"
    assert "GPU is lost" in meter.cost.note


@pytest.mark.parametrize("fake", [None, FakeCards({})])
def test_without_cards_the_reason_is_told(monkeypatch, fake):
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    with pytest.raises(Unreadable, match=r"not installed|Driver Not Loaded"):
        cards()


# ---- the estimate


def test_the_estimate_is_linear_in_cpu_seconds(tmp_path):
    costs = []
    for seconds in (0.05, 0.2):
        with Meter(root=tmp_path / "none") as meter:
            burn(seconds)
        costs.append(meter.cost)
        assert meter.cost.cpu_seconds == pytest.approx(seconds, abs=0.03)
    assert all(cost.joules.value == pytest.approx(3.5 * cost.cpu_seconds) for cost in costs)
    assert costs[1].joules.value > 2 * costs[0].joules.value


def test_the_estimate_says_how_far_off_it_may_be(tmp_path):
    with Meter(root=tmp_path / "none") as meter:
        burn(0.02)
    joules = meter.cost.joules
    assert (joules.low / joules.value, joules.high / joules.value) == pytest.approx((0.33, 3.0))
    assert joules.interval == "model uncertainty"
    assert meter.cost.source == "estimate: 3.5 W per CPU-second"
    assert "there is no" in meter.cost.note


def test_sleeping_costs_nothing(tmp_path):
    with Meter(root=tmp_path / "none") as meter:
        time.sleep(0.3)
    assert meter.cost.seconds >= 0.3
    assert meter.cost.joules.value < 3.5 * 0.03


def test_children_are_counted(tmp_path):
    code = "import time\nwhile time.process_time() < 0.3: pass"
    with Meter(root=tmp_path / "none") as meter:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert meter.cost.cpu_seconds >= 0.3


def test_the_users_wattage_beats_the_usual_figure(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "12")
    with Meter(root=tmp_path / "none") as meter:
        burn(0.02)
    assert meter.cost.joules.value == pytest.approx(12 * meter.cost.cpu_seconds)
    assert meter.cost.source == "estimate: 12 W per CPU-second, as given"


@pytest.mark.parametrize("text", ["much", "-3", "0", "nan", "inf"])
def test_a_wattage_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(UsageError, match=f"{VARIABLE}={text} is not a positive number. Give watts"):
        Meter()


def test_a_counter_beats_the_users_wattage(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "12")
    zone(tmp_path, "intel-rapl:0", "package-0")
    with Meter(root=tmp_path) as meter:
        pass
    assert meter.cost.source == "rapl"


# ---- costs


def test_the_cost_may_be_read_on_the_way_and_stays_after_the_end(tmp_path):
    with Meter(root=tmp_path / "none") as meter:
        burn(0.02)
        halfway = meter.cost
        burn(0.02)
    end = meter.cost
    burn(0.02)
    assert 0 < halfway.cpu_seconds < end.cpu_seconds
    assert meter.cost == end


def test_costs_of_sittings_add_up(tmp_path):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    with Meter(root=tmp_path) as first:
        turn(package, 1_000_000)
    with Meter(root=tmp_path / "none") as second:
        burn(0.02)
    total = first.cost + second.cost
    assert total.joules.value == pytest.approx(1.0 + second.cost.joules.value)
    assert total.joules.low == pytest.approx(1.0 + second.cost.joules.low), "what was measured is not uncertain"
    assert (total.kind, total.source) == ("estimated", "rapl + estimate: 3.5 W per CPU-second")
    assert total.cpu_seconds == pytest.approx(first.cost.cpu_seconds + second.cost.cpu_seconds)
    assert total.peak_rss_mb == max(first.cost.peak_rss_mb, second.cost.peak_rss_mb)
    assert (first.cost + first.cost).kind == "measured"
    assert (second.cost + second.cost).source == second.cost.source, "a hundred sittings read as one"


def test_costs_survive_json_and_leave_other_keys_alone(tmp_path):
    with Meter(root=tmp_path / "none") as meter:
        burn(0.01)
    written = json.loads(json.dumps({**meter.cost.to_json(), "steps": 5}))
    assert Cost.from_json(written) == meter.cost


def test_peak_memory_is_the_most_that_was_held():
    code = "from sounding.machine.metering.meter import memory_mb\nx = bytearray(b'x' * 300_000_000); del x"
    code += "\nprint(*memory_mb())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    now, peak = map(float, done.stdout.split())
    assert now < 200 < 300 <= peak < 800


def test_a_child_does_not_inherit_its_parents_peak():
    """A forked child begins with its parent's ru_maxrss; ours must be its own."""
    held = bytearray(b"x" * 400_000_000)
    code = "from sounding.machine.metering.meter import memory_mb; print(memory_mb()[1])"
    found = float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert 0 < found < len(held) / 1e6


def test_without_the_resource_module_time_is_still_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(meter_module, "resource", None)
    with Meter(root=tmp_path / "none") as meter:
        burn(0.02)
    assert meter.cost.cpu_seconds >= 0.02
