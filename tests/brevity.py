"""Cards that are measured in a moment: for tests to which it matters that a section is measured, not what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sounding.challenges import (
    certificate,
    concepts,
    data_efficiency,
    energy,
    interpretability,
    robustness,
    shift,
    trade_offs,
    unknown_inputs,
)
from sounding.challenges.disturbances.ensemble import Attacks
from sounding.evaluation.context import Profile


@contextmanager
def briefly(profile: Profile = "quick") -> Iterator[pytest.MonkeyPatch]:
    """Every challenge looks at fewer rows, for less time, than the profile says; nothing else of it is changed."""
    with pytest.MonkeyPatch.context() as patch:

        def brief(plans, **changes):
            patch.setitem(plans, profile, replace(plans[profile], **changes))

        brief(data_efficiency.PLANS, shares=(0.1, 0.3, 1.0), draws=1, seconds=2.0)
        brief(interpretability.PLANS, rows=10, untrained=4, shapley=64 if profile == "standard" else 0)
        brief(concepts.PLANS, rows=20, sites=40, layers=1)
        brief(unknown_inputs.PLANS, rows=32, training=100, resamples=100)
        if profile == "quick":
            brief(robustness.PLANS, rows=32, attacked=16, attacks=Attacks(pgd=3))
        else:
            few = Attacks(pgd=3, apgd=3, targets=1, targeted=2, queries=5, seconds=5.0)
            brief(robustness.PLANS, rows=20, attacked=20, severities=(1, 5), attacks=few, openings=2, rehearsals=2)
            brief(shift.PLANS, pairs=2, seconds=5.0)
            brief(certificate.PLANS, rows=20, draws=200)
            brief(trade_offs.PLANS, seconds=0.02, resamples=100)
        patch.setitem(energy.WINDOW_SECONDS, profile, 0.01)
        yield patch
