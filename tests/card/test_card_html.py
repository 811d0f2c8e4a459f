"""The page is whole, self-contained, escaped, and has everything that the card has."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from importlib import resources

import pytest
from sample_card import HEARD, HOSTILE, number, sample

from sounding.card.card import Card, Header, sections
from sounding.card.printing import printed
from sounding.contract.evidence import Clip, Figure, Section, not_applicable, skipped

SECTIONS = sections()

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """What a browser would see: elements in balance, links, and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.elements if attrs.get("id")]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(sample().html())


def test_every_number_is_there_with_all_that_explains_it(page):
    for section in sample():
        for each in section.numbers:
            p = printed(each)
            for words in (
                p.value,
                p.unit,
                p.interval,
                p.how,
                each.kind,
                f"{each.estimate.n:,}",
                f"{section.id}.{each.id}",
            ):
                assert words in page.text, (each.id, words)
            assert each.definition[1:] in page.text
            assert each.name[1:] in page.text


def test_sentences_reasons_warnings_and_captions_are_there(page):
    for section in sample():
        assert section.title in page.text
        assert section.sentence in page.text
        assert section.reason[1:] in page.text
        assert all(figure.caption in page.text for figure in section.figures)
        assert all(warning in page.text for warning in section.details.get("warnings", ()))
    assert "not applicable" in page.text
    assert "not measured" in page.text
    assert "Cost of measuring 47 s" in page.text
    assert "sounding train classify photos" in page.text
    assert "One run: training variance unknown" in page.text


def test_bounds_say_on_which_side_the_truth_is(page):
    assert "at most 0.120" in page.text


def test_nothing_is_fetched_and_nothing_runs(page):
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for tag, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        for name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
            assert (attrs.get(name) or "#").startswith(("#", "data:image/", "data:audio/")), (tag, attrs)
    text = sample().html()
    assert not re.search(r"@import|url\(\s*['\"]?(?!#|data:)", text)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_ids_are_unique_and_links_lead_somewhere(page):
    ids = page.ids()
    assert len(ids) == len(set(ids))
    assert {"data", "quality", "energy", "method"} <= set(ids)
    targets = {attrs["href"][1:] for tag, attrs in page.elements if tag == "a"}
    assert targets == {*SECTIONS, "contents"}


def test_pictures_have_words_for_those_who_cannot_see_them(page):
    for tag, attrs in page.elements:
        if tag == "img":
            assert attrs["alt"]
        if tag == "svg":
            assert attrs.get("aria-label") or attrs.get("aria-hidden") == "true"
    assert any(tag == "html" and attrs.get("lang") == "en" for tag, attrs in page.elements)


def test_clips_can_be_played_and_are_named_for_all(page):
    (player,) = [attrs for tag, attrs in page.elements if tag == "audio"]
    assert "controls" in player
    assert player["aria-label"] == HEARD.name
    assert player["src"] == f"data:audio/wav;base64,{HEARD.base64}"
    assert HEARD.name in page.text
    assert HEARD.base64 not in sample().markdown()


def test_names_from_files_are_only_ever_words():
    section = Section(
        "quality",
        HOSTILE,
        sentence=HOSTILE,
        numbers=(number("accuracy", HOSTILE, 0.5, 0.4, 0.6, definition=HOSTILE, unit=HOSTILE),),
        figures=(Figure("f", HOSTILE, "<svg viewBox='0 0 1 1'></svg>", (Clip(HOSTILE, HOSTILE, HOSTILE),)),),
        details={"warnings": [HOSTILE], HOSTILE: {HOSTILE: 1}, "rows": [{HOSTILE: HOSTILE}], "notes": [HOSTILE]},
    )
    rejected = [not_applicable("energy", HOSTILE, HOSTILE), skipped("robustness", HOSTILE, HOSTILE)]
    head = Header(
        HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, licence=HOSTILE, use=HOSTILE, versions={HOSTILE: HOSTILE}
    )
    text = Card(head, (section, *rejected)).html()
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.elements}
    assert page.text.count(HOSTILE[1:]) >= 18
    assert "<script" not in text


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"></svg>',
        "<svg/onload=alert(1)>",
        "<svg/onload='alert(1)'></svg>",
        "<svg",
        '<svg xmlns:x="http://www.w3.org/2000/svg"><x:script>alert(1)</x:script></svg>',
        "<svg><![CDATA[<script>alert(1)</script>]]></svg>",
        "<svg><g style='fill: URL (https://example.org/x)'/></svg>",
        '<svg><image href="https://example.org/x.png"/></svg>',
        '<svg><a href="javascript:alert(1)"><text>x</text></a></svg>',
        "<svg><foreignObject><p>x</p></foreignObject></svg>",
        "<svg><style>@import 'x'; p { color: red }</style></svg>",
        '<svg><rect fill="url(https://example.org/#x)"/></svg>',
        "</div><script>alert(1)</script>",
    ],
)
def test_a_picture_that_could_act_is_shut_into_an_image(svg):
    page = Page(Card(Header("t", "m", "d"), (Section("quality", "Quality", figures=(Figure("f", "c", svg),)),)).html())
    assert [attrs["alt"] for tag, attrs in page.elements if tag == "img"] == ["c"]
    assert not {"script", "foreignobject"} & {tag for tag, _ in page.elements}
    assert all(attrs["href"].startswith("#") for tag, attrs in page.elements if tag == "a")


def test_a_drawing_stands_in_the_page(page):
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert "truth" in page.text
    assert "validation loss" in page.text


def test_the_headline_and_its_baseline_lie_where_the_scale_says():
    text = sample().html()
    svg = text[text.index('class="scale"') :].split("</svg>")[0]
    dot, baseline = (
        float(re.search(r'cx="([\d.]+)%"', svg)[1]),
        float(re.findall(r'x1="([\d.]+)%"[^>]*baseline', svg)[0]),
    )
    first, last = 3.0, 97.0  # where 0 and 1 are
    assert (dot - first) / (last - first) == pytest.approx(0.873, abs=2e-4)
    assert (baseline - first) / (last - first) == pytest.approx(0.436, abs=2e-4)


@pytest.mark.parametrize("value", [37.2, -120.0, 0.0, float("nan"), 1e-7])
def test_any_headline_can_be_drawn(value):
    section = Section("quality", "Quality", numbers=(number("m", "m", value, value - 1, value + 1, unit="Elo"),))
    page = Page(Card(Header("t", "m", "d"), (section,)).html())
    places = [float(a["x"][:-1]) for t, a in page.elements if t == "text" and a.get("x", "").endswith("%")]
    assert all(0 <= place <= 100 for place in places)


def test_a_card_without_sections_or_test_rows_is_still_a_page():
    Page(Card(Header("t", "m", "d"), ()).html())
    assert (
        "there are no test rows"
        in Page(Card(Header("t", "m", "d"), (skipped("quality", "Quality", "there are no test rows"),)).html()).text
    )


def test_long_tables_are_folded_and_short_ones_are_not():
    rows = [{"class": str(i)} for i in range(40)]
    section = replace(sample()["quality"], details={"by_class": rows, "short": rows[:3]}, figures=())
    page = Page(Card(Header("t", "m", "d"), (section,)).html())
    assert len([tag for tag, _ in page.elements if tag == "details"]) == 1
    assert "By class (40 rows)" in page.text


def test_many_numbers_are_folded_and_all_of_them_are_there():
    section = replace(
        sample()["quality"], numbers=tuple(number(f"n{i}", f"number {i}", i, None, None) for i in range(20))
    )
    page = Page(Card(Header("t", "m", "d"), (section,)).html())
    assert "12 more numbers" in page.text
    assert all(f"Number {i} " in page.text for i in range(20))


def test_every_section_stands_in_the_contents_with_its_finding_or_its_reason():
    text = sample().html()
    contents = Page(text[text.index('<nav class="contents"') :].split("</nav>")[0] + "</nav>")
    for section in sample():
        assert section.title in contents.text
        assert section.reason[1:] in contents.text
        assert section.sentence.split(". ")[0] in contents.text


def test_words_can_be_read_on_every_ground():
    """WCAG 2.2, contrast of at least 4.5 to 1, in both schemes."""
    css = resources.files("sounding.card").joinpath("style.css").read_text(encoding="utf-8")
    for scheme in re.findall(r":root \{([^}]*)\}", css):
        colour = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})", scheme))
        for ink, ground in (
            *(("ink", ground) for ground in ("paper", "wash")),
            *(("soft", ground) for ground in ("paper", "wash")),
            *(("water", ground) for ground in ("paper", "wash")),
            ("alert", "alert-wash"),
        ):
            assert contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)


def contrast(a: str, b: str) -> float:
    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_title_of_the_page_names_task_and_model():
    assert "<title>Classify · runs/classify/1</title>" in unescape(sample().html())
