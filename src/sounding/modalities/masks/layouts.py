"""How pictures and masks lie in folders, and what lies beside them to name the classes.

    images/x.jpg            masks/x.png             also labels/, annotations/, SegmentationClass/ …, in any order with
    train/images/x.jpg      train/masks/x.png       train, val and test
    train/x.png             trainannot/x.png        (CamVid)
    x.jpg                   x.png or x_mask.png     side by side
    annotations.json                                COCO, anywhere (see coco.py)

One rule covers all with masks in folders of their own: leave out of a path the folders that say "image" or "mask", and
what is left, folders and stem, is the same for a picture and its mask. Pictures without a mask, and masks without a
picture, become rows that are rejected by their place.

Names come from classes.txt, codes.txt or labels.txt (a name a line, or `id name`); colours and names from
class_dict.csv (name,r,g,b), label_colors.txt (r g b name) or labelmap.txt (name:r,g,b).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from sounding.contract.file_names import MASKS, OBJECTS, PICTURES, Spellings, Surroundings, composed, only
from sounding.contract.layouts import Layout, Listed
from sounding.contract.modality import Modality, Row
from sounding.contract.split_names import split_named
from sounding.errors import DataError
from sounding.folders import place, subfolders, walk, with_suffix
from sounding.modalities.masks import coco
from sounding.modalities.masks.class_ids import PLAIN, VOID, Scheme
from sounding.modalities.masks.panoptic import PANOPTIC
from sounding.modalities.masks.tools import CVAT, LABEL_STUDIO

ENDING = re.compile(
    r"[-_](masks?|labels?|gt|seg|segmentation|(gt(fine|coarse)_)?label(train)?ids|trainids|l|p)$", re.IGNORECASE
)
DRAWN = re.compile(r"_gt(fine|coarse)_(color|instance(train)?ids)$", re.IGNORECASE)
"""What Cityscapes keeps beside the masks of class ids: the same in colour, and the numbers of objects."""
BESIDE = re.compile(r"^(.*?)[-_]?(masks?|labels?|annot|annotations?)$", re.IGNORECASE)
IMAGES = ("", "_images", "-images", "_imgs")
"""What the folder beside `train_masks` may be called after `train`."""
NAMES = ("classes.txt", "codes.txt", "labels.txt", "class_names.txt", "_classes.txt")
COLOURS = ("class_dict.csv", "label_colors.txt", "label_colours.txt", "labelmap.txt", "_classes.csv")

Key = tuple[str, ...]


def mask_files(path: Path, input: Modality, target: Modality) -> Listed | None:
    """The rows of a folder of pictures and masks of the same stem, or None where no mask goes with a picture."""
    if not path.is_dir():
        return None
    files = list(walk(path))
    found = _pairs(path, files, tuple(input.suffixes), tuple(target.suffixes))
    return _rows(path, files, *found) if found else None


def polygons(path: Path, input: Modality, target: Modality) -> Listed | None:
    """The rows of a COCO json file with segmentations, or of all that lie in a folder; None where there is none."""
    pictures = Surroundings(path, input.suffixes)
    if path.is_dir():
        return _of_json(path, with_suffix(walk(path), (".json",)), pictures)
    return _of_json(path.parent, [path], pictures) if path.suffix.lower() == ".json" else None


# ---- pictures and masks in files


def _pairs(
    path: Path, files: Sequence[Path], pictures: tuple[str, ...], masks: tuple[str, ...]
) -> tuple[dict[Key, list[Path]], dict[Key, list[Path]]] | None:
    """Pictures and masks by what they have in common; None where there is no mask that goes with a picture."""
    seen = [file for file in files if file.name.lower().endswith((*pictures, *masks))]
    seen = [file for file in seen if not OBJECTS & {part.lower() for part in file.relative_to(path).parts[:-1]}]
    seen = _without_twins([file for file in seen if not DRAWN.search(file.stem)])
    folders = {file.parent for file in seen}
    of_masks = {folder for folder in folders if _is_of_masks(path, folder, folders)}
    if of_masks:
        marked = [f for f in seen if PICTURES & {part.lower() for part in f.relative_to(path).parts[:-1]}]
        images = [f for f in marked or seen if f.parent not in of_masks and f.name.lower().endswith(pictures)]
        drawn = [f for f in seen if f.parent in of_masks and f.name.lower().endswith((*masks, ".jpg", ".jpeg"))]
    else:
        images, drawn = _side_by_side(seen, masks)
    first = _keyed(path, images)
    second = {_matched(key, first): files for key, files in _keyed(path, drawn).items()}
    return (first, second) if first.keys() & second.keys() else None


def _without_twins(files: Sequence[Path]) -> list[Path]:
    """The files without the class ids of Cityscapes that lie beside those meant for training."""
    meant = (file for file in files if file.stem.endswith("_labelTrainIds"))
    twins = {file.with_name(file.name.replace("_labelTrainIds", "_labelIds")) for file in meant}
    return [file for file in files if file not in twins]


def _is_of_masks(path: Path, folder: Path, folders: set[Path]) -> bool:
    """Whether a folder's name, or one above it, says that masks are in it: as such, or after that of one beside it."""
    for part in [folder, *folder.parents]:
        if part == path:
            return False
        if part.name.lower() in MASKS:
            return True
        found = BESIDE.match(part.name)
        if found and found[1] and any(_has(part.with_name(found[1] + words), folders) for words in IMAGES):
            return True
    return False


def _has(wanted: Path, folders: set[Path]) -> bool:
    return wanted in folders or any(wanted in folder.parents for folder in folders)


def _side_by_side(files: Sequence[Path], masks: tuple[str, ...]) -> tuple[list[Path], list[Path]]:
    """Pictures and masks of one folder: `x_mask.png` beside x, or `x.png` beside `x.jpg`."""
    stems: dict[Path, list[Path]] = defaultdict(list)
    for file in files:
        stems[file.with_suffix("")].append(file)
    drawn = []
    for stem, same in stems.items():
        base = stem.with_name(ENDING.sub("", stem.name))
        if base != stem and base in stems:
            drawn += [file for file in same if file.name.lower().endswith(masks)]
        elif len(same) == 2 and len(of := [file for file in same if file.suffix.lower() == ".png"]) == 1:
            drawn += of
    known = set(drawn)
    return [file for file in files if file not in known], drawn


def _keyed(path: Path, files: Sequence[Path]) -> dict[Key, list[Path]]:
    """The files by folders and stem without the words for pictures and masks."""
    found: dict[Key, list[Path]] = defaultdict(list)
    for file in files:
        parts = [part.lower() for part in file.relative_to(path).parts[:-1]]
        parts = [_plain(part) for part in parts if part not in PICTURES | MASKS]
        found[(*parts, composed(file.stem))].append(file)
    return dict(found)


def _plain(part: str) -> str:
    """`train` for trainannot, train_masks and train_images alike."""
    part = re.sub(r"[-_](images|imgs)$", "", part)
    found = BESIDE.match(part)
    return found[1] if found and found[1] else part


def _matched(key: Key, images: Collection[Key]) -> Key:
    """The key of the picture that a mask belongs to, also where its stem says that it is a mask; else its own."""
    base = ENDING.sub("", key[-1])
    tries = (key, (*key[:-1], base), (*key[:-1], base.removesuffix("_gtFine") + "_leftImg8bit"))
    return next((k for k in tries if k in images), key)


def _rows(
    path: Path, files: Sequence[Path], images: Mapping[Key, list[Path]], masks: Mapping[Key, list[Path]]
) -> Listed:
    """A row for each picture, and one for each mask that has none; only those of VOC's lists, where there are any."""
    lists = _lists(files)
    return Listed(_paired(path, images, masks, _splits(lists)), tuple(lists))


def _paired(
    path: Path, images: Mapping[Key, list[Path]], masks: Mapping[Key, list[Path]], listed: Mapping[str, str]
) -> Iterator[Row]:
    for key in sorted(images.keys() | masks.keys()):
        split = listed.get(key[-1], "") if listed else next(filter(None, map(split_named, reversed(key[:-1]))), "")
        if listed and not split:
            continue
        yield _row(path, images.get(key, []), masks.get(key, []), split)


def _row(path: Path, images: Sequence[Path], masks: Sequence[Path], split: str) -> Row:
    """A row of a picture and its mask.

    Where one lacks, or there are several, the place of the other, and a cell that says so when it is read.
    """
    there, problem, fix = (images or masks)[0], "", ""
    if not images or not masks:
        lacks = f"there is no {'mask for this picture' if images else 'picture for this mask'}"
        problem = f"{lacks} (of the name {there.stem})"
    try:
        only(images, there.stem, path)
        only(masks, there.stem, path)
    except DataError as error:
        problem, fix = error.what, error.fix
    target = coco.unusable(problem, fix=fix) if problem else str(masks[0].absolute())
    return Row(place(there, path), str(there.absolute()), target, split=split)


def _lists(files: Sequence[Path]) -> list[Path]:
    """The lists of Pascal VOC's ImageSets/Segmentation, one for each split, that of the training last."""
    lists = [file for file in files if [part.lower() for part in file.parts[-3:-1]] == ["imagesets", "segmentation"]]
    order = ("validation", "test", "train")
    found = [file for file in with_suffix(lists, (".txt",)) if split_named(file.stem) in order]
    return sorted(found, key=lambda file: order.index(split_named(file.stem)))


def _splits(lists: Sequence[Path]) -> dict[str, str]:
    """Stem → split; empty where there are no lists."""
    found: dict[str, str] = {}
    for file in lists:
        names = file.read_text(encoding="utf-8-sig", errors="replace").split()
        found |= dict.fromkeys(map(composed, names), split_named(file.stem))
    return found


# ---- COCO


def _of_json(path: Path, files: Sequence[Path], pictures: Surroundings) -> Listed | None:
    """The rows of every COCO file with segmentations among `files`, all of which must know the same categories."""
    instances = [file for file in files if file.name.lower().startswith("instances_")]  # and not stuff_… beside it
    loaded = [(file, held) for file in instances or files if (held := coco.load(file))]
    if not loaded:
        return None
    kinds = coco.categories(loaded[0][1])
    for file, held in loaded:
        if coco.categories(held) != kinds:
            what = f"its categories are not those of {loaded[0][0].name}"
            raise DataError(what, where=file.name, fix="Export all parts with one list of categories")
    if len(kinds) >= VOID:
        raise DataError(f"{len(kinds)} categories are too many for a mask", fix=f"Give at most {VOID - 1}")
    rows = (row for file, held in loaded for row in coco.rows(file, held, path, pictures.of(file)))
    return Listed(rows, tuple(file for file, _ in loaded))


# ---- names and colours


def scheme(path: Path) -> Scheme:
    """What the files beside the data say about their classes: in `path`, above it, or one folder below."""
    spellings = Spellings()
    for folder in (path, *subfolders(path), path.absolute().parent):
        maps, lists = ([spellings.find(folder / name) for name in kind] for kind in (COLOURS, NAMES))
        colours = next(filter(None, (_colours(file) or _voc_colours(file) for file in maps if file)), {})
        names = next(filter(None, (_names(file) for file in lists if file)), {})
        if colours:
            by_colour = {colour: number for number, colour in enumerate(colours.values())}
            return Scheme(names or dict(enumerate(colours)), by_colour)
        if names:
            return Scheme(names)
    return PLAIN


def _names(file: Path) -> dict[int, str]:
    """Id → name: one name a line, or `id name`, `id: name`, `id,name` on every line."""
    lines = _lines(file)
    numbered = [re.match(r"^(\d+)\s*[:,;\s]\s*(.+)$", line) for line in lines]
    if all(numbered):
        return {int(found[1]): found[2].strip() for found in numbered if found and int(found[1]) < VOID}
    return dict(enumerate(lines[:VOID]))


def _colours(file: Path) -> dict[str, tuple[int, int, int]]:
    """Name → colour, in the order of the lines; lines without three numbers and a name are left out."""
    found = {}
    for line in _lines(file):
        words = [word for word in re.split(r"[,:;\s]+", line) if word]
        numbers = [place for place, word in enumerate(words) if word.isdecimal() and int(word) <= 255]
        start = next((p for p in numbers if {p, p + 1, p + 2} <= set(numbers)), None)
        name = " ".join(words[:start] or words[3:]) if start is not None else ""
        if start is not None and name:
            found[name] = (int(words[start]), int(words[start + 1]), int(words[start + 2]))
    return found


def _voc_colours(file: Path) -> dict[str, tuple[int, int, int]]:
    """Name → colour of a labelmap.txt without colours, whose masks then have those of Pascal VOC, in its order."""
    lines = _lines(file)
    if not lines or not all(re.fullmatch(r"[^:]+:::[^:]*", line) for line in lines):
        return {}
    return {line.split(":")[0].strip(): _voc_colour(number) for number, line in enumerate(lines)}


def _voc_colour(number: int) -> tuple[int, int, int]:
    """The colour of a class in Pascal VOC's own map: its bits, by turns to red, green and blue, the highest first."""
    channels = [0, 0, 0]
    for bit in range(24):
        channels[bit % 3] |= (number >> bit & 1) << (7 - bit // 3)
    return channels[0], channels[1], channels[2]


def _lines(file: Path) -> list[str]:
    """The lines of a text file that say something; none where there is no such file."""
    if not file.is_file():
        return []
    lines = [line.strip() for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


MASK_LAYOUTS = (
    PANOPTIC,
    Layout("images/ and masks/ of the same names", mask_files, (*NAMES, *COLOURS)),
    Layout("COCO json with segmentations", polygons, (*NAMES, *COLOURS)),
    CVAT,
    LABEL_STUDIO,
)
