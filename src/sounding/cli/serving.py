"""The verb that serves: runs behind HTTP, with a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sounding.cli.group import cli, prepare, say
from sounding.serve import refusing_without_packages

MEGABYTE = 2**20


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=Path, metavar="RUN|EXPORTED|GAME...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens; 0.0.0.0: for other machines.")
@click.option("--port", default=8000, show_default=True, help="At which port; 0: any that is free.")
@click.option("--token", envvar="SOUNDING_TOKEN", default="", help="What requests have to bear; or SOUNDING_TOKEN.")
@click.option("--memory", default=2048, show_default=True, metavar="MB", help="Weights that are kept in memory.")
@click.option("--waiting", default=256, show_default=True, help="Inputs that may wait; above that it says 503.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds until an answer is given up.")
@click.option("--body", default=32, show_default=True, metavar="MB", help="The largest request.")
def serve(
    runs: Sequence[Path],
    host: str,
    port: int,
    token: str,
    memory: int,
    waiting: int,
    timeout: float,
    body: int,
) -> None:
    """Answer over HTTP, and serve a page to try the models on.

    Games that the package plays by itself need no run: serve chess, serve go (9 lines or 7), serve connect4.

    Everything that runs here can ask; nobody else can, unless --host says so. The page needs no network.
    """
    from sounding.exports.description import is_exported

    if not all(map(is_exported, runs)):  # else nothing needs torch, which takes seconds and memory
        prepare()
    with refusing_without_packages("the service"):
        from sounding.serve.running import run
    from sounding.serve.settings import Limits, Settings

    limits = Limits(body=body * MEGABYTE)
    run(runs, Settings(host, port, token, memory * MEGABYTE, waiting, timeout, limits), say)
