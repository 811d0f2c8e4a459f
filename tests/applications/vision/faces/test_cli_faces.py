"""Enroll, verify, identify and forget from the command line, on a run of drawn faces."""

import pytest
from PIL import Image

from sounding.applications.vision.faces import synthetic_faces
from sounding.randomness import stream


@pytest.fixture
def doors(sounding):

    return sounding


@pytest.fixture
def run(doors):
    status, _, err = doors("train", "faces", "demo", "size=tiny", "steps=60", "width=8", "--card", "none")
    assert status == 0, err
    return "runs/faces/1"


@pytest.fixture
def photos(tmp_path):
    """Four photos of each of three people who are in no training."""
    rng, names = stream("doors"), []
    for person in ("ann", "bob", "cy"):
        traits = synthetic_faces.person(rng)
        for i in range(4):
            names.append(f"{person}{i}.png")
            Image.fromarray(synthetic_faces.picture(traits, rng)[..., 0]).save(tmp_path / names[-1])
    return names


def test_the_doors_of_faces(doors, run, photos):
    status, out, err = doors("faces", "verify", run, "ann0.png", "ann1.png")
    assert status == 0, err
    assert out.startswith(("same person", "different people"))
    assert "false match rate" in out
    for person in ("ann", "bob"):
        status, out, err = doors(
            "faces", "enroll", "gallery", person, f"{person}0.png", f"{person}1.png", "--model", run
        )
        assert status == 0, err
    assert "2 photos of bob enrolled; 2 people in gallery" in out
    status, out, err = doors("faces", "identify", run, "gallery", "ann0.png", "cy0.png")
    assert status == 0, err
    assert [line.split("\t")[0] for line in out.splitlines()] == ["ann0.png", "cy0.png"]
    assert "of strangers" in err
    status, _, lenient = doors("faces", "identify", run, "gallery", "ann0.png", "cy0.png", "--fmr", "0.1")
    assert status == 0, lenient
    assert float(lenient.split()[1].rstrip(":")) <= float(err.split()[1].rstrip(":"))
    status, out, _ = doors("faces", "verify", run, "ann0.png", "ann1.png", "--fmr", "0.5")
    assert (status, "false match rate" in out) == (0, True)
    for rate in ("1e-9", "nan"):
        status, _, err = doors("faces", "verify", run, "ann0.png", "ann1.png", "--fmr", rate)
        assert status == 2
        assert "support no false match rate below" in err
    status, out, _ = doors("faces", "forget", "gallery", "ann")
    assert (status, "1 person in gallery" in out) == (0, True)
    assert doors("faces", "forget", "gallery", "ann")[0] == 2
    status, _, err = doors("faces", "verify", run, "ann0.png", "missing.png")
    assert status == 1
    assert "missing.png" in err


def test_predict_compares_each_face_with_each(doors, run, photos, tmp_path):
    status, out, err = doors("predict", run, "ann0.png", "ann1.png", "bob0.png")
    assert status == 0, err
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == ["ann0.png and ann1.png", "ann0.png and bob0.png", "ann1.png and bob0.png"]
    verified = [doors("faces", "verify", run, *row[0].split(" and "))[1].split("\t")[0] for row in rows]
    assert [row[1] for row in rows] == verified
    (tmp_path / "bad.png").write_text("no picture")
    status, out, err = doors("predict", run, "ann0.png", "bad.png", "ann1.png", "--plots", "drawn")
    assert (status, out.split("\t")[0]) == (1, "ann0.png and ann1.png")
    assert err.count("bad.png is not a picture") == 2, "with each of the two others"
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["0001-ann0-ann1.png"]


def test_one_face_says_what_to_do(doors, run, photos):
    status, out, err = doors("predict", run, "ann0.png")
    assert (status, out) == (1, "")
    assert "ann0.png: one picture has nothing to be compared with. Name two pictures or more" in err
    assert "sounding faces identify RUN GALLERY PICTURE" in err


def test_the_next_command_is_one_that_works(doors, photos):
    status, out, err = doors("train", "faces", "demo", "size=tiny", "steps=20", "width=8", "--card", "none")
    assert status == 0, err
    words = out.splitlines()[-1].split()[2:]
    assert words[-2:] == ["PICTURE", "PICTURE"]
    assert doors(*words[:-2], *photos[:2])[0] == 0


def test_pictures_of_nobody_known_are_no_pool(doors, run, photos, tmp_path):
    (tmp_path / "pool").mkdir()
    for photo in photos:
        (tmp_path / photo).rename(tmp_path / "pool" / photo)
    for words in (("label", run, "pool"), ("train", "faces", "demo", "size=tiny", "--unlabelled", "pool")):
        status, _, err = doors(*words)
        assert status == 1
        assert "one picture has nothing to be compared with" in err
        assert "pool/ann0.png" in err
