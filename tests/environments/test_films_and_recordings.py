"""Films hold the pictures that were given, recordings what was played; what is none is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from sounding.environments import Environments, Settings
from sounding.environments.filming import film
from sounding.environments.recording import Recording, free_name, read, recordings
from sounding.environments.spec import Actions
from sounding.environments.terminal import blocks, keys_of
from sounding.errors import DataError, UsageError


def pictures(count: int) -> list[np.ndarray]:
    """Squares of which each is of another of few colours."""
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    return [np.broadcast_to(colours[k % 4], (20, 30, 3)).copy() for k in range(count)]


def recorded(environment: str = "own/Walk-v0", settings: Settings | None = None) -> Recording:
    rng = np.random.default_rng(0)
    seen, rewards = rng.normal(size=(7, 2)).astype(np.float32), rng.normal(size=7).astype(np.float32)
    return Recording(environment, settings or Settings(), 5, "person", seen, np.arange(7) % 3, rewards, True)


def test_a_gif_shows_each_picture_at_its_time(tmp_path):
    given = pictures(6)
    film(tmp_path / "a" / "film.gif", given, 10.0)
    with PIL.Image.open(tmp_path / "a" / "film.gif") as opened:
        assert opened.n_frames == 6
        for k, picture in enumerate(given):
            opened.seek(k)
            assert opened.info["duration"] == 100
            assert np.abs(np.asarray(opened.convert("RGB")).astype(int) - picture).max() <= 8


def test_a_fast_gif_leaves_pictures_out_and_keeps_its_time(tmp_path):
    film(tmp_path / "film.gif", pictures(42), 100.0)
    with PIL.Image.open(tmp_path / "film.gif") as opened:
        assert opened.n_frames == 21
        assert opened.info["duration"] == 20


def test_a_folder_gets_a_png_of_each(tmp_path):
    film(tmp_path / "frames", given := pictures(11), 10.0)
    paths = sorted((tmp_path / "frames").iterdir())
    assert [path.name for path in paths][::10] == ["frame-01.png", "frame-11.png"]
    assert np.array_equal(np.asarray(PIL.Image.open(paths[2])), given[2])


def test_other_films_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    for name, said in (("a.avi", "a .gif"), ("a.mp4", "ffmpeg")):
        with pytest.raises(UsageError, match=said):
            film(tmp_path / name, pictures(2), 10.0)


def test_a_recording_is_read_as_it_was_written(tmp_path):
    recording = recorded(settings=Settings(sticky=0.0, time_limit=9))
    recording.save(tmp_path / "one.npz")
    found = read(tmp_path / "one.npz")
    assert (found.environment, found.settings, found.seed, found.by, found.ended) == (
        *(recording.environment, recording.settings, 5, "person", True),
    )
    for name in ("observations", "actions", "rewards"):
        assert np.array_equal(getattr(found, name), getattr(recording, name))


def test_an_episode_is_played_again_from_its_recording():
    """The seed and the actions of a recording lead to what was seen in it."""
    with Environments("CartPole-v1", 1) as environments:
        seen = environments.reset([31])
        observations, actions = [], np.random.default_rng(3).integers(0, 2, 12)
        for action in actions:
            observations.append(seen[0])
            seen = environments.step([action]).obs
        again = environments.reset([31])
        for observation, action in zip(observations, actions, strict=True):
            assert np.array_equal(again[0], observation)
            again = environments.step([action]).obs


@pytest.mark.parametrize("content", [b"", b"no recording", b"PK\x03\x04"])
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.npz: this is no recording"):
        read(tmp_path / "bad.npz")


def test_a_recording_without_steps_is_refused(tmp_path):
    empty = Recording("x-v0", Settings(), 0, "person", np.zeros((0, 2)), np.zeros(0), np.zeros(0), True)
    empty.save(tmp_path / "empty.npz")
    with pytest.raises(DataError, match="different lengths, or none"):
        read(tmp_path / "empty.npz")


def test_a_folder_holds_recordings_of_one_environment(tmp_path):
    with pytest.raises(DataError, match="no recordings"):
        list(recordings(tmp_path))
    for environment in ("own/Walk-v0", "own/Walk-v0", "CartPole-v1"):
        recorded(environment).save(free_name(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "episode-1.npz"
    with pytest.raises(DataError, match=r"episode-3\.npz: this is of CartPole-v1"):
        list(recordings(tmp_path))
    (tmp_path / "episode-3.npz").unlink()
    assert len(list(recordings(tmp_path))) == 2


def test_a_terminal_is_shown_each_pair_of_rows_as_one():
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[0], picture[1] = (255, 0, 0), (0, 0, 255)
    lines = blocks(picture, 6, 2).split("\n")
    assert len(lines) == 2
    assert lines[0].startswith("\x1b[38;2;255;0;0;48;2;0;0;255m" + "▀" * 6)


def test_keys_are_those_of_the_actions():
    keys = keys_of(Actions("discrete", 3, names=("NOOP", "LEFT", "RIGHT")))
    assert (keys["a"], keys["\x1b[C"], keys["2"]) == (1, 2, 2)
    assert keys_of(Actions("discrete", 2))["\x1b[D"] == 0
    with pytest.raises(UsageError, match="no keys"):
        keys_of(Actions("continuous", 2))
