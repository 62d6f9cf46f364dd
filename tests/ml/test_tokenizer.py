from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from forgather.errors import DataError
from forgather.ml.datasets.stories import stories
from forgather.ml.tokenizer import TokenizerTrainer

SPECIAL = {
    "bos_token": "<|BOS|>",
    "pad_token": "<|PAD|>",
    "eos_token": "<|EOS|>",
    "unk_token": "<|UNK|>",
}
ROWS = [{"text": story} for story in stories(200)]


def make_trainer(vocab_size: int = 400, **settings) -> TokenizerTrainer:
    return TokenizerTrainer(
        **{
            "model": models.BPE(byte_fallback=True, unk_token="<|UNK|>"),
            "normalizer": normalizers.NFC(),
            "pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=False),
            "decoder": decoders.ByteLevel(),
            "post_processor": processors.TemplateProcessing(
                single="<|BOS|> $A", special_tokens=[("<|BOS|>", 0)]
            ),
            "trainer": trainers.BpeTrainer(
                vocab_size=vocab_size,
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                special_tokens=list(SPECIAL.values()),
                show_progress=False,
            ),
            "dataset": ROWS,
            "special_tokens_map": SPECIAL,
            "args": {"model_max_length": 128},
            **settings,
        }
    )


@pytest.fixture(scope="module")
def tokenizer():
    return make_trainer()()


def test_it_has_the_asked_size_and_special_tokens_first(tokenizer):
    assert len(tokenizer) == 400
    ids = tokenizer.convert_tokens_to_ids(list(SPECIAL.values()))
    assert ids == [0, 1, 2, 3]
    assert (tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1, 2)
    assert tokenizer.model_max_length == 128


@pytest.mark.parametrize("text", ["Once upon a time.", "  two  spaces\n\ttab", "ünï 漢字 🦊", ""])
def test_any_text_comes_back(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id and tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_the_smallest_vocabulary_is_bytes():
    tokenizer = make_trainer(vocab_size=260)()
    assert len(tokenizer) == 260
    assert len(tokenizer("abc", add_special_tokens=False)["input_ids"]) == 3


def saved_bytes(directory: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in directory.iterdir()
    }


def test_the_same_text_gives_the_same_bytes_in_another_process(tmp_path):
    make_trainer(output_dir=tmp_path / "a")()
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"from test_tokenizer import make_trainer\nmake_trainer(output_dir={str(tmp_path / 'b')!r})()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert saved_bytes(tmp_path / "a") == saved_bytes(tmp_path / "b")
    assert {"tokenizer.json", "tokenizer_config.json"} <= set(saved_bytes(tmp_path / "a"))


def test_what_is_saved_loads_without_forgather(tmp_path, tokenizer):
    from transformers import AutoTokenizer

    make_trainer(output_dir=tmp_path / "t")()
    loaded = AutoTokenizer.from_pretrained(tmp_path / "t")
    text = ROWS[0]["text"]
    assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]


def test_a_part_or_a_stream_may_be_the_text():
    small = make_trainer(select_range="5%")()
    assert small.get_vocab() != make_trainer()().get_vocab()
    assert make_trainer(dataset=iter(ROWS[:10]))().get_vocab() == small.get_vocab()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": []}, "without rows"),
        ({"feature": "txt"}, "no column 'txt'"),
        ({"dataset": iter(ROWS), "select_range": "5%"}, "knows its length"),
        ({"special_tokens_map": {**SPECIAL, "sep_token": "<|SEP|>"}}, "no token '<|SEP|>'"),
        (
            {
                "post_processor": processors.TemplateProcessing(
                    single="<|BOS|> $A", special_tokens=[("<|BOS|>", 7)]
                )
            },
            "has id 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused(settings, message):
    import re

    with pytest.raises(DataError, match=re.escape(message)):
        make_trainer(**settings)()
