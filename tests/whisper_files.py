"""A small random Whisper as transformers makes it, with the files of its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

TEXTS = ["so mia amo", "isi os", "mia so os amo isi", "So, Mia!", "1 2 3 (so)"]
"""What its tokenizer has learnt from."""
LANGUAGES = ("en", "de", "fi")
PLACES = 75
"""Vectors of its encoder: windows of a second and a half."""


def tokenizer(multilingual: bool) -> Any:
    """A byte-level tokenizer of transformers with the special tokens of Whisper."""
    import transformers
    from tokenizers import ByteLevelBPETokenizer

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(TEXTS, vocab_size=280, show_progress=False)
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=trained._tokenizer)
    languages = [f"<|{code}|>" for code in (LANGUAGES if multilingual else LANGUAGES[:1])]
    special = ["<|endoftext|>", "<|startoftranscript|>", *languages, "<|translate|>", "<|transcribe|>"]
    special += ["<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    made.add_special_tokens({"additional_special_tokens": special, "eos_token": "<|endoftext|>"})
    return made


def made(folder: Path, multilingual: bool = False, **more: Any) -> Any:
    """A random model in a folder, whose config and tokenizer go together."""
    import transformers

    words = tokenizer(multilingual)
    ids = words.get_vocab()
    times = ids["<|notimestamps|>"] + 1
    config = transformers.WhisperConfig(
        vocab_size=times + PLACES + 1,
        d_model=24,
        encoder_layers=2,
        decoder_layers=3,
        encoder_attention_heads=3,
        decoder_attention_heads=2,
        encoder_ffn_dim=40,
        decoder_ffn_dim=32,
        max_source_positions=PLACES,
        max_target_positions=30,
        decoder_start_token_id=ids["<|startoftranscript|>"],
        eos_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"],
        begin_suppress_tokens=[5, ids["<|endoftext|>"]],
        **{"num_mel_bins": 80, **more},
    )
    torch.manual_seed(3)
    net = transformers.WhisperForConditionalGeneration(config).eval()
    for name, p in net.named_parameters():  # nothing is zero or one, so that every part matters
        if "embed_positions" not in name or "decoder" in name:
            norm = "norm" in name and name.endswith("weight")
            torch.nn.init.normal_(p, mean=float(norm), std=0.4 if p.ndim > 1 else 0.2)
    special = [number for token, number in ids.items() if token.startswith("<|") and token != "<|endoftext|>"]
    said = {
        "suppress_tokens": sorted([7, 11, 13, *special]),
        "begin_suppress_tokens": config.begin_suppress_tokens,
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "alignment_heads": [[1, 0], [2, 0], [2, 1]],
        "is_multilingual": multilingual,
        "max_initial_timestamp_index": 20,
        "max_length": 30,
    }
    if multilingual:
        said["lang_to_id"] = {f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES}
        said["task_to_id"] = {task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")}
    for name, value in said.items():
        setattr(net.generation_config, name, value)
    net.save_pretrained(folder)
    words.save_pretrained(folder)
    return net
