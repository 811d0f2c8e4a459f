"""Whisper, made here at random by transformers: the same in our modules, what is written by it, and back."""

import json

import pytest
import torch
from checkpoint_files import written_back
from whisper_files import PLACES, made

from sounding.architectures import checkpoints
from sounding.decoding.beam import Beams, BeamSearch
from sounding.decoding.constraints import Constraints
from sounding.decoding.source_decoder import SourceDecoder
from sounding.decoding.timestamps import timed
from sounding.errors import DataError, UsageError

transformers = pytest.importorskip("transformers", reason="transformers makes the checkpoints of these tests")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The net of transformers, ours, and what is heard."""
    folder = tmp_path_factory.mktemp("whisper")
    theirs = made(folder)
    generator = torch.Generator().manual_seed(1)
    return theirs, checkpoints.read(folder), torch.randn(3, 2 * PLACES, 80, generator=generator), folder


@torch.no_grad()
def test_logits_are_those_of_transformers(pair):
    theirs, checkpoint, spectrogram, _ = pair
    target = torch.randint(0, 300, (3, 9), generator=torch.Generator().manual_seed(2))
    expected = theirs(spectrogram.transpose(1, 2), decoder_input_ids=target).logits
    model = checkpoint.model().eval()
    source = model.remember(spectrogram)
    found = model.scores(model.decoded(target, source))
    assert (found - expected).abs().max() < 1e-4
    assert expected.std() > 0.2
    assert (expected[0] - expected[1]).abs().max() > 0.1  # the sound matters
    heads = [(0, 1), (2, 0)]
    _, weights = model.looked(target, source, heads)
    theirs.set_attn_implementation("eager")
    looked = theirs(spectrogram.transpose(1, 2), decoder_input_ids=target, output_attentions=True).cross_attentions
    for k, (layer, head) in enumerate(heads):
        torch.testing.assert_close(weights[:, k], looked[layer][:, head], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("times", [False, True])
@pytest.mark.parametrize("beams", [1, 3])
@torch.no_grad()
def test_what_is_written_is_what_transformers_writes(pair, beams, times):
    theirs, checkpoint, spectrogram, _ = pair
    told, writing = theirs.generation_config, checkpoint.shape.writing
    first = told.no_timestamps_token_id + 1
    prompt = [writing.start, *([] if times else [first - 1])]
    rules = Constraints(never=writing.never, not_first=writing.not_first)
    rules = timed(rules, first, writing.latest_first) if times else rules
    decoder = SourceDecoder(checkpoint.model().eval(), spectrogram, None, 20)
    found = BeamSearch(decoder, [prompt] * 3, Beams(beams), 12, (writing.end,), rules).run()
    words = {"num_beams": beams, "do_sample": False, "max_new_tokens": 12, "return_timestamps": times}
    words["force_unique_generate_call"] = True  # else it goes on where a time that is drawn says
    expected = theirs.generate(spectrogram.transpose(1, 2), **words).tolist()
    expected = [[token for token in row if token != writing.start and token != first - 1] for row in expected]
    expected = [row[: row.index(writing.end)] if writing.end in row else row for row in expected]
    assert [list(each[0].ids) for each in found] == expected
    assert len({tuple(row) for row in expected}) > 1
    if times:
        assert all(row[0] >= first for row in expected)


@torch.no_grad()
def test_weights_are_written_back_as_transformers_reads_them(pair, tmp_path):
    theirs, _, spectrogram, folder = pair
    again = written_back(folder, tmp_path / "again", transformers.WhisperForConditionalGeneration)
    target = torch.tensor([[1, 2, 3]] * 3)
    found, expected = (net(spectrogram.transpose(1, 2), decoder_input_ids=target).logits for net in (again, theirs))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_shape_survives_as_a_word(pair):
    shape = pair[1].shape
    assert checkpoints.shaped(checkpoints.shape_of("whisper", shape)) == shape
    assert shape.writing.heads == ((1, 0), (2, 0), (2, 1))
    assert (shape.bands, shape.context, shape.writing.latest_first) == (80, 30, 20)


def test_a_window_that_is_too_long_and_a_config_that_does_not_fit_are_refused(pair, tmp_path):
    model = pair[1].model()
    with pytest.raises(UsageError, match="150"):
        model.encoder(torch.zeros(1, 2 * PLACES + 2, 80))
    made(tmp_path)
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    for name, value, message in (
        ("activation_function", "relu", "gelu"),
        ("d_model", 48, "encoder.first.weight has the shape"),
        ("eos_token_id", 5000, "token 5000"),
    ):
        file.write_text(json.dumps({**config, name: value}))
        (tmp_path / "generation_config.json").unlink(missing_ok=True)
        with pytest.raises(DataError, match=message):
            checkpoints.read(tmp_path)
