"""Datasets: where text comes from, and how it becomes blocks of tokens.

- text: :mod:`stories` and :mod:`corpus` (made here), :mod:`local_text` (this machine), :mod:`hub`
- tokens: :mod:`preprocess`, :mod:`tokenize_maps`, :mod:`packing`
- storage: :mod:`columns` (memory), :mod:`token_store` (disk), :mod:`inputs` (what was read)

Nothing here imports torch; the ``datasets`` library is imported when a hub dataset is loaded.
"""

from __future__ import annotations

from forgather.ml.datasets.columns import TokenizedDataset
from forgather.ml.datasets.corpus import TextCorpus, load_corpus, write_corpus, write_story_corpus
from forgather.ml.datasets.hub import load_dataset
from forgather.ml.datasets.inputs import collect_inputs, record_input, record_listing
from forgather.ml.datasets.local_text import LocalText
from forgather.ml.datasets.preprocess import preprocess_dataset
from forgather.ml.datasets.ranges import normalize_range
from forgather.ml.datasets.token_store import TokenDataset, write_token_dataset
from forgather.ml.datasets.tokenize_maps import block_tokenize_fn, default_tokenize_map_fn

__all__ = [
    "LocalText",
    "TextCorpus",
    "TokenDataset",
    "TokenizedDataset",
    "block_tokenize_fn",
    "collect_inputs",
    "default_tokenize_map_fn",
    "load_corpus",
    "load_dataset",
    "normalize_range",
    "preprocess_dataset",
    "record_input",
    "record_listing",
    "write_corpus",
    "write_story_corpus",
    "write_token_dataset",
]
