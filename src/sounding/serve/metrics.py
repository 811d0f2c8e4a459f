"""Counts of what a service does, in the text format of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: the upper ends of the histogram of answers."""
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Requests by address and status, and how long they took. Used from the event loop alone."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._took = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def count(self, address: str, status: int, seconds: float) -> None:
        """Note a request to one of the service's addresses ("other" for what is none)."""
        self._requests[address, status] += 1
        self._seconds += seconds
        self._took[bisect_left(BUCKETS, seconds)] += 1

    def text(self, gauges: Iterable[tuple[str, str, str, float]]) -> str:
        """All counts; and `gauges`: (name, type, help, value) of what others count."""
        return "\n".join([*self._lines(), *_plain(gauges)]) + "\n"

    def _lines(self) -> Iterator[str]:
        total = sum(self._requests.values())
        yield from _head("sounding_requests_total", "counter", "Requests by address and status.")
        for (address, status), count in sorted(self._requests.items()):
            yield f'sounding_requests_total{{path="{address}",status="{status}"}} {count}'
        name = "sounding_request_seconds"
        yield from _head(name, "histogram", "Seconds from a request to its answer, of a stream to its end.")
        for end, within in zip(BUCKETS, accumulate(self._took)):
            yield f'{name}_bucket{{le="{end:g}"}} {within}'
        yield f'{name}_bucket{{le="+Inf"}} {total}'
        yield f"{name}_sum {self._seconds:.6f}"
        yield f"{name}_count {total}"


def _plain(gauges: Iterable[tuple[str, str, str, float]]) -> Iterator[str]:
    for name, kind, help, value in gauges:
        yield from _head(name, kind, help)
        yield f"{name} {value:g}"


def _head(name: str, kind: str, help: str) -> tuple[str, str]:
    return f"# HELP {name} {help}", f"# TYPE {name} {kind}"
