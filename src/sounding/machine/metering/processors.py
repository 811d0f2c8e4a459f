"""The power that processors are built for, where their makers publish it: the ground of an estimate without a meter.

Thermal design power (TDP) in W is what CodeCarbon 3.3.2 lists. The physical cores of a socket are not in that list:
they were written down from general knowledge of these well-known parts, and no row was checked against its maker's data
sheet. Where a system tells the number of cores with the name ("64-Core Processor"), it must agree, or the processor
counts as unknown. Left out are processors with cores of two kinds (a share for each core would mean nothing), those
made for one cloud provider only, and names that a virtual machine hides: for these the estimate falls back to the usual
figure of a server.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

_INTEL = {
    (15, 4): "core i5-8250u, core i7-8550u, core i5-8265u, core i7-8565u, core i5-10210u, core i7-10510u",
    (28, 4): "core i5-1135g7, core i7-1165g7",
    (45, 6): "core i7-8750h, core i7-9750h, core i7-10750h",
    (45, 8): "core i7-11800h",
    (65, 4): "core i5-6500, core i7-6700, core i7-7700",
    (65, 6): "core i7-8700, core i5-9400, core i5-10400",
    (65, 8): "core i7-10700",
    (69, 4): "xeon e3-1240 v2",
    (85, 6): "xeon e5-2620 v3",
    (85, 8): "xeon e5-2620 v4, xeon silver 4110",
    (85, 10): "xeon silver 4114, xeon silver 4210",
    (91, 4): "core i7-7700k",
    (95, 6): "core i7-8700k",
    (95, 8): "core i9-9900k",
    (100, 16): "xeon silver 4216",
    (105, 12): "xeon e5-2650 v4",
    (120, 12): "xeon e5-2670 v3, xeon e5-2680 v3",
    (120, 14): "xeon e5-2680 v4",
    (125, 8): "core i7-10700k, core i7-11700k, core i9-11900k",
    (125, 10): "core i9-10900k",
    (125, 16): "xeon gold 5218, xeon gold 6130",
    (125, 20): "xeon gold 6230",
    (135, 14): "xeon e5-2690 v4",
    (135, 20): "xeon e5-2698 v4",
    (145, 22): "xeon e5-2699 v4",
    (150, 20): "xeon gold 6148, xeon gold 6248",
    (150, 24): "xeon platinum 8160",
    (205, 24): "xeon gold 6248r, xeon platinum 8168",
    (205, 28): "xeon platinum 8280",
    (250, 32): "xeon platinum 8358",
    (270, 40): "xeon platinum 8380",
    (350, 56): "xeon platinum 8480+",
}
_AMD = {
    (15, 6): "ryzen 5 5500u",
    (15, 8): "ryzen 7 4700u, ryzen 7 5700u, ryzen 7 pro 5850u",
    (28, 8): "ryzen 7 7840u",
    (45, 6): "ryzen 5 5600h",
    (45, 8): "ryzen 7 4800h, ryzen 7 5800h, ryzen 7 6800h",
    (65, 6): "ryzen 5 3600, ryzen 5 5600x, ryzen 5 5600g",
    (65, 8): "ryzen 7 1700, ryzen 7 3700x, ryzen 7 5700g",
    (90, 8): "epyc 8024p",
    (105, 6): "ryzen 5 7600x",
    (105, 8): "ryzen 7 2700x, ryzen 7 5800x, ryzen 7 7700x",
    (105, 12): "ryzen 9 3900x, ryzen 9 5900x",
    (105, 16): "ryzen 9 3950x, ryzen 9 5950x",
    (170, 12): "ryzen 9 7900x",
    (170, 16): "ryzen 9 7950x",
    (180, 16): "ryzen threadripper 1950x",
    (180, 24): "epyc 7402p",
    (180, 32): "epyc 7502p, epyc 7551",
    (225, 32): "epyc 7543",
    (225, 64): "epyc 7713, epyc 7742",
    (280, 32): "ryzen threadripper 3970x",
    (280, 64): "epyc 7763, ryzen threadripper 3990x",
    (360, 64): "epyc 9554",
    (360, 96): "epyc 9654",
}

# What a system adds to the name: trade marks, clock, graphics, the number of cores, the generation.
_NOISE = re.compile(r"\((r|tm)\)|@.*|\bwith .*|\b\d+-core\b|\b(cpu|processor)\b|^\d+th gen\b", re.I)


def thermal(name: str) -> tuple[int, int] | None:
    """TDP [W] and cores of the processor that a system calls `name`, or None if it is not known."""
    found = _known().get(" ".join(_NOISE.sub(" ", name).lower().split()))
    told = re.search(r"\b(\d+)-core\b", name, re.I)
    return None if found and told and int(told[1]) != found[1] else found


@functools.cache
def _known() -> Mapping[str, tuple[int, int]]:
    makers = {"intel": _INTEL, "amd": _AMD}
    return {
        f"{maker} {name}": figures
        for maker, table in makers.items()
        for figures, names in table.items()
        for name in names.split(", ")
    }
