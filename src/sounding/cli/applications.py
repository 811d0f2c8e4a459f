"""The verbs that applications bring along, each a group of commands named after its application."""

from __future__ import annotations

import importlib

from sounding import catalog
from sounding.cli.group import cli

for _name, _module in catalog.verbs().items():
    cli.add_command(importlib.import_module(_module).verbs, _name)
