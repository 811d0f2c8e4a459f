"""How an estimate is said on a line: what it counts, how it was had, and whether a change is clear of none."""

from __future__ import annotations

import re

from sounding.contract.evidence import Estimate
from sounding.evaluation.intervals import why_no_interval
from sounding.wording import counted


def sample(found: Estimate) -> str:
    """How many independent things were measured, and of what kind where these are not rows: n = 390, n = 9 groups.

    Rows of one person, patient or document are drawn together, as one group (a block): nine of them tell what nine
    independent rows tell, however many rows they hold.
    """
    if "cluster" in found.interval:
        return f"n = {counted(found.n, 'group')}"
    other = re.search(r"(?<!joint )over \d+ (?!rows?\b)(\w+)", found.interval)
    return f"n = {found.n:,} {other[1]}" if other else f"n = {found.n:,}"


def measured(found: Estimate) -> str:
    """A value with its interval, what it counts and the method: 0.873 [0.852, 0.891]  n=963  (wilson)."""
    return f"{found}  {_sample(found)}  ({_method(found)})"


def change(found: Estimate) -> str:
    """A difference with its sign and interval, and whether that is clear of no change."""
    low, high = found.low, found.high
    if low is None or high is None:
        return f"{found.value:+.4f}  {_sample(found)}  ({_method(found)})"
    clear = "the interval is clear of 0" if low > 0 or high < 0 else "no difference shown: the interval holds 0"
    return f"{found.value:+.4f} [{low:+.4f}, {high:+.4f}]  {_sample(found)}  {clear}"


def signed(found: Estimate) -> str:
    """A difference with its sign and interval: +0.012 [-0.004, +0.028]."""
    ends = "" if found.low is None or found.high is None else f" [{found.low:+.3f}, {found.high:+.3f}]"
    return f"{found.value:+.3f}{ends}"


def _sample(found: Estimate) -> str:
    return sample(found).replace(" = ", "=")


def _method(found: Estimate) -> str:
    return f"no interval: {why_no_interval(found)}" if found.low is None else found.interval
