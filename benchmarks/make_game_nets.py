"""Makes src/sounding/games/nets/, the networks by which the package plays Connect Four and Go (7 and 9 lines).

    OMP_NUM_THREADS=1 python benchmarks/make_game_nets.py connect4 --time 10m
    OMP_NUM_THREADS=1 python benchmarks/make_game_nets.py go7 --time 1h
    OMP_NUM_THREADS=1 python benchmarks/make_game_nets.py go9 --begin runs/nets/go7 --time 0

Each trains by self-play, from nothing, in --out. The network of a smaller board may begin another (--begin): its
weights fit a board of any size, and with --time 0 they are taken as they are. A command that was stopped goes on where
it was; one that is complete only copies.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import sounding as sd
from sounding.files import read_json, write_json
from sounding.games.shipped import NETS
from sounding.machine.setting import prepare
from sounding.training.progress import reporter

GAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "connect4": ("connect4", {}),
    "go7": ("go", {"lines": 7, "komi": 9.0}),
    "go9": ("go", {"lines": 9, "komi": 7.0}),
}
"""The application of each network, and its settings."""
KEPT = ("config.json", "model.safetensors")


def posing(run: Path, settings: dict[str, Any], folder: Path) -> Path:
    """A copy of a run's model that says that it is of the board of these settings."""
    folder.mkdir(parents=True, exist_ok=True)
    config = read_json(run / "best" / "config.json")
    config["recipe"] = {**config["recipe"], **settings}
    write_json(folder / "config.json", config)
    shutil.copyfile(run / "best" / "model.safetensors", folder / "model.safetensors")
    return folder


def trained(net: str, out: Path, time: str, begin: Path | None) -> Path:
    """The folder of the model of the run in `out`, which is made, or gone on with, or complete."""
    application, settings = GAMES[net]
    given: dict[str, Any] = {"card": None, "reporter": reporter(net), "say": print}
    if (out / "config.json").exists():
        sd.train(application, resume=out, **given)
    else:
        sd.train(application, time=time, out=out, start=begin or "", **given, **settings)
    return out / "best"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=GAMES)
    parser.add_argument("--time", default="10m", help="of the training")
    parser.add_argument("--begin", type=Path, help="a run of Go whose weights it begins with")
    parser.add_argument("--out", type=Path, default=Path("runs/nets"), help="where the run is kept")
    parser.add_argument("--nets", type=Path, default=NETS, help="where the network is written")
    options = parser.parse_args()
    prepare()
    begin = None
    if options.begin is not None:
        begin = posing(options.begin, GAMES[options.net][1], options.out / f"{options.net}-begin")
    if options.time == "0":
        if begin is None:
            parser.error("--time 0 trains nothing: say what to --begin with")
        made = begin
    else:
        made = trained(options.net, options.out / options.net, options.time, begin)
    net = options.nets / options.net
    net.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(made / name, net / name)
    print(f"{net}: {sum(file.stat().st_size for file in net.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
