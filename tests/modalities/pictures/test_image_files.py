"""Every way in which a picture file can be odd or broken, read through the one door that users have: Image.read."""

import struct
import zlib
from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from sounding.errors import DataError
from sounding.modalities.pictures.image import Image


@pytest.fixture
def colours():
    """12 × 20 pixels of smooth colour, different in every corner."""
    y, x = np.mgrid[0:12, 0:20]
    return np.stack([y * 20, x * 12, 255 - y * 10 - x * 5], axis=2).astype(np.uint8)


def file_bytes(array, kind="PNG", mode=None, **options):
    picture = PIL.Image.fromarray(array)
    file = BytesIO()
    (picture.convert(mode) if mode else picture).save(file, kind, **options)
    return file.getvalue()


def png_header(width, height):
    """A PNG that declares a size and stores next to nothing."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


# ---- what can be used


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_keep_every_pixel(colours, tmp_path, kind):
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(file_bytes(colours, kind))
    for cell in (path, str(path), path.name, path.read_bytes(), {"bytes": path.read_bytes(), "path": None}):
        assert np.array_equal(Image().read(cell, tmp_path), colours)
    assert np.array_equal(Image().read({"bytes": None, "path": path.name}, tmp_path), colours)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_are_near(colours, kind):
    read = Image().read(file_bytes(colours, kind))
    assert read.shape == colours.shape
    assert np.abs(read.astype(int) - colours).mean() < 12


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_the_camera_s_orientation_is_undone(colours, orientation, turn):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(Image().read(file_bytes(colours, exif=exif)), np.rot90(colours, turn))


def test_sixteen_bits_are_kept_until_the_training_pictures_tell_black_and_white():
    deep = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    for cell in (file_bytes(deep), file_bytes(deep, "TIFF"), deep):
        read = Image().read(cell)
        assert read.dtype == np.uint16
        assert np.array_equal(read[..., 0], deep)


def test_fractions_in_tiff_and_arrays():
    unit = np.array([[0, 0.5, 1]], np.float32)
    assert Image().read(file_bytes(unit, "TIFF"))[..., 0].tolist() == [[0, 0.5, 1]]
    assert Image().read(file_bytes(unit * 255, "TIFF"))[..., 0] == pytest.approx(unit)
    kept = Image().read(unit)
    assert kept.dtype == np.float32
    assert np.array_equal(kept[..., 0], unit)


def test_four_inks_become_three_colours(colours):
    read = Image().read(file_bytes(colours, "TIFF", mode="CMYK"))
    assert np.abs(read.astype(int) - colours).max() <= 2


def test_palettes_and_single_bits():
    two = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)[np.arange(16).reshape(4, 4) % 2]
    assert np.array_equal(Image().read(file_bytes(two, mode="P")), two)
    bits = (np.arange(16).reshape(4, 4) % 2).astype(bool)
    read = Image().read(file_bytes(bits.astype(np.uint8) * 255, mode="1"))
    assert np.array_equal(read[..., 0], bits * 255)


def test_transparency_lies_on_white():
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = 0, 255, 128
    for cell in (file_bytes(rgba), rgba):
        read = Image().read(cell)
        assert read[0, 0].tolist() == [255] * 3
        assert read[0, 1].tolist() == [0] * 3
        assert abs(int(read[0, 2, 0]) - 127) <= 1
    grey = Image().read(file_bytes(np.array([[[0, 0], [0, 255]]], np.uint8)))
    assert grey[..., 0].tolist() == [[255, 0]]


def test_the_first_frame_of_a_film():
    frames = [PIL.Image.new("L", (4, 4), shade) for shade in (10, 200)]
    file = BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert (Image().read(file.getvalue()) == 10).all()


def test_one_pixel_is_legal_and_remarked_upon(colours):
    image = Image()
    assert image.remark(image.read(file_bytes(colours[:1, :1]))) == "1×1 pixel"
    assert "thin" in image.remark(np.tile(colours[:1], (1, 3, 1)))
    assert "one colour" in image.remark(np.full((9, 9, 3), 7, np.uint8))
    assert image.remark(colours) == ""


def test_arrays_of_every_legal_shape(colours):
    read = Image().read
    assert read(colours[..., 0]).shape == (12, 20, 1)
    assert np.array_equal(read(PIL.Image.fromarray(colours)), colours)
    assert np.array_equal(read(colours.astype(np.int64)), colours)
    assert read(np.eye(3, dtype=bool)).max() == 255


def test_a_large_jpeg_is_read_fast_and_right_once_fitted(colours):
    image = Image(size=16)
    image.fit([colours])
    large = np.array(PIL.Image.fromarray(colours).resize((800, 480), PIL.Image.Resampling.BICUBIC))
    small = image.read(file_bytes(large, "JPEG", quality=95))
    exact = image.read(large)
    assert small.shape == exact.shape == (16, 16, 3)
    assert np.abs(small.astype(int) - exact).max() < 8


# ---- what cannot


def broken(tmp_path):
    """Makes the files; name → words that the message must hold."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    kinds = {"jpg": "JPEG", "png": "PNG", "bmp": "BMP", "gif": "GIF", "webp": "WEBP", "tif": "TIFF"}
    whole = {ending: file_bytes(noise, kind) for ending, kind in kinds.items()}
    for name, content in {
        "empty.png": b"",
        "text.jpg": b"hello, this is a text file\n" * 20,
        **{f"cut.{ending}": content[: len(content) * 9 // 10] for ending, content in whole.items()},
        "bomb.png": png_header(20_000, 20_000),
        "large.png": png_header(10_001, 10_000),
        "garbled.png": b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    return {
        "missing.jpg": "no file",
        "folder.jpg": "folder",
        "empty.png": "empty",
        "text.jpg": "not a picture",
        **{f"cut.{ending}": "cut off or damaged" for ending in whole if ending != "tif"},
        "cut.tif": "",  # Pillow keeps the table of a TIFF at its end, so that a cut one is no picture at all
        "bomb.png": "100 million pixels",
        "large.png": "100 million pixels",
        "garbled.png": "",
    }


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_each_bad_file_is_named_with_what_to_do(colours, tmp_path, fitted):
    image = Image()
    if fitted:
        image.fit([colours])
    for name, words in broken(tmp_path).items():
        with pytest.raises(DataError) as caught:
            image.read(name, tmp_path)
        assert name in caught.value.what
        assert words in caught.value.what
        assert caught.value.fix
        assert "\n" not in str(caught.value)
        path = tmp_path / name
        if path.is_file():
            with pytest.raises(DataError):
                image.read({"bytes": path.read_bytes(), "path": name})


def test_cutting_anywhere_is_noticed():
    whole = file_bytes(np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8), "JPEG")
    for share in (0.5, 0.7, 0.9):
        with pytest.raises(DataError):
            Image().read(whole[: int(len(whole) * share)])


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        float("nan"),
        3,
        {"bytes": None, "path": None},
        {"bytes": b"", "path": "a.jpg"},
        "https://example.org/a.jpg",
        np.zeros((3, 32, 32, 1)),
        np.zeros((3, 32, 33), np.uint8),
        np.zeros((0, 4)),
        np.full((4, 4), np.nan),
        np.full((4, 4), 7.0),
        np.full((4, 4), -1),
    ],
    ids=repr,
)
def test_cells_that_hold_no_picture(cell):
    with pytest.raises(DataError) as caught:
        Image().read(cell)
    assert caught.value.fix


def test_accepts_pictures_and_nothing_else(colours):
    image = Image()
    png = file_bytes(colours)
    for cell in (png, {"bytes": png, "path": None}, {"bytes": None, "path": "a.JPG"}, "x/y.webp", colours):
        assert image.accepts(cell), cell
    for cell in ("hello", "clip.wav", b"RIFF....WAVEfmt ", {"bytes": None, "path": "a.flac"}, 3, None, 0.5):
        assert not image.accepts(cell), cell
