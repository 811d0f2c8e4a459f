"""Transformers as Hugging Face publishes them: config.json and safetensors, into our modules and back.

    model_type     what it is                                             source
    bert           encoder; with or without its head over masked words    arXiv 1810.04805
    roberta        the same with other positions and head                 arXiv 1907.11692
    distilbert     half as deep, without token types                      arXiv 1910.01108
    gpt2           decoder                                                Radford et al. 2019
    llama, qwen2   decoders: rotary, RMS norms, gated, shared keys        arXiv 2302.13971, arXiv 2407.10671
    marian         encoder-decoder: norms behind, sinusoidal positions    arXiv 1804.00344
    bart           the same with learned positions                        arXiv 1910.13461
    mbart          the same with norms ahead, in many languages           arXiv 2001.08210
    t5, mt5        encoder-decoder: relative positions, RMS norms         arXiv 1910.10683, arXiv 2010.11934
    whisper        encoder of spectrograms with a decoder                 arXiv 2212.04356

The layout is told by the config, and every tensor has to be there in the shape that the config promises. Pickles are
refused: they can run any code when they are opened. What no layout needs (poolers, heads of other tasks) is left out.

shape.py     what a word in a recipe says of a net        layout.py   how a published one names its parts
ctranslate2.py  Whisper as another program keeps it
single.py    those of encoders and of decoders            pair.py, t5.py  those of the two together; whisper.py
files.py     the tensors of a folder                      reading.py, writing.py
"""

from sounding.architectures.checkpoints.files import is_checkpoint
from sounding.architectures.checkpoints.reading import Checkpoint, read
from sounding.architectures.checkpoints.shape import (
    PairShape,
    Shape,
    SingleShape,
    SpeechShape,
    Writing,
    shape_of,
    shaped,
)
from sounding.architectures.checkpoints.writing import written

__all__ = [
    "Checkpoint",
    "PairShape",
    "Shape",
    "SingleShape",
    "SpeechShape",
    "Writing",
    "is_checkpoint",
    "read",
    "shape_of",
    "shaped",
    "written",
]
