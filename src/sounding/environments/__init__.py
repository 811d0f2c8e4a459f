"""Environments that are stepped many at a time: gymnasium's and a user's own, Atari's (ALE), MinAtar's.

Nothing here knows a network or how one learns. Gymnasium and ale-py are the extra `arcade`, and are imported when an
environment is made.
"""

from sounding.environments.environments import Environments, Step
from sounding.environments.settings import Disturbance, Settings
from sounding.environments.spec import Actions, Observation, Spec

__all__ = ["Actions", "Disturbance", "Environments", "Observation", "Settings", "Spec", "Step"]
