"""The packing core: documents in, blocks of at most ``block_size`` tokens out.

Guarantees, for every strategy (``stride=0`` and ``overflow=True``; tested by properties):

- every token of every document is in exactly one block, in order within its document;
- no block is empty and none is longer than ``block_size``;
- ``document_starts`` names the first position of *every* segment, that of a continued document too,
  so position 0 of a block is always a start. Attention and positions can trust it.

A *segment* is the part of a document that lies in one block. With ``stride`` a continued segment
repeats that many tokens of the one before it; with ``overflow=False`` a document is cut to
``block_size`` tokens and the rest is dropped.

Strategies for ``packed=True``:

greedy      fill each block to the brim in the order of the documents; a document that reaches the
            end of a block goes on in the next. No block but the last has room left.
first_fit   each segment goes into the first block with room for it.
best_fit    longest first, each into the fullest block with room for it: the fewest cut documents.

This module knows token ids only: no tokenizer, no BOS or EOS, no tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from forgather.errors import DataError, did_you_mean

Tokens = Sequence[int]


@dataclass(slots=True)
class Block:
    tokens: list[int] = field(default_factory=list)
    document_starts: list[int] = field(default_factory=list)

    def add(self, segment: Tokens) -> None:
        self.document_starts.append(len(self.tokens))
        self.tokens.extend(segment)


def pack(
    documents: Iterable[Tokens],
    block_size: int,
    *,
    packed: bool = True,
    strategy: str = "greedy",
    overflow: bool = True,
    stride: int = 0,
) -> list[Block]:
    """Lay ``documents`` into blocks; without ``packed`` every segment has a block of its own."""
    _check(block_size, strategy, stride)
    if packed and strategy == "greedy" and overflow:
        return list(_fill(documents, block_size, stride))
    segments = [
        segment
        for document in documents
        for segment in _segments(document, block_size, overflow, stride)
    ]
    place = STRATEGIES[strategy] if packed else _one_each
    return place(segments, block_size)


def _check(block_size: int, strategy: str, stride: int) -> None:
    if block_size < 1:
        raise DataError(f"a block of {block_size} tokens is too small")
    if not 0 <= stride < block_size:
        raise DataError(
            f"stride {stride} does not fit a block of {block_size} tokens",
            hint="the stride is the number of repeated tokens: 0 or more, and less than max_length",
        )
    if strategy not in STRATEGIES:
        raise DataError(
            f"unknown packing strategy {strategy!r}", hint=did_you_mean(strategy, STRATEGIES)
        )


def _segments(document: Tokens, size: int, overflow: bool, stride: int) -> Iterator[Tokens]:
    """The document in pieces of at most ``size`` tokens."""
    if not overflow:
        document = document[:size]
    start = 0
    while start < len(document):
        yield document[start : start + size]
        if start + size >= len(document):
            return
        start += size - stride


def _fill(documents: Iterable[Tokens], size: int, stride: int) -> Iterator[Block]:
    """Greedy, with documents that run on over the end of a block."""
    block = Block()
    for document in documents:
        position = 0
        while position < len(document):
            end = min(len(document), position + size - len(block.tokens))
            block.add(document[position:end])
            if len(block.tokens) == size:
                yield block
                block = Block()
            if end < len(document):  # never all of the segment again: that would not move on
                end -= min(stride, end - position - 1)
            position = end
    if block.tokens:
        yield block


def _one_each(segments: Iterable[Tokens], size: int) -> list[Block]:
    blocks = []
    for segment in segments:
        blocks.append(Block())
        blocks[-1].add(segment)
    return blocks


def _next_fit(segments: Iterable[Tokens], size: int) -> list[Block]:
    """In order, whole segments only: a new block where the next one has no room."""
    blocks: list[Block] = []
    for segment in segments:
        if not blocks or len(blocks[-1].tokens) + len(segment) > size:
            blocks.append(Block())
        blocks[-1].add(segment)
    return blocks


def _best_fit(segments: Iterable[Tokens], size: int) -> list[Block]:
    """Longest first; ``rooms[r]`` are the blocks with room for r tokens, ``open_rooms`` its bits."""
    blocks: list[Block] = []
    rooms: list[list[Block]] = [[] for _ in range(size + 1)]
    open_rooms = 0
    for segment in sorted(segments, key=len, reverse=True):
        fitting = open_rooms >> len(segment)
        if fitting:
            room = len(segment) + (fitting & -fitting).bit_length() - 1
            block = rooms[room].pop()
            if not rooms[room]:
                open_rooms &= ~(1 << room)
        else:
            room, block = size, Block()
            blocks.append(block)
        block.add(segment)
        room -= len(segment)
        rooms[room].append(block)
        open_rooms |= 1 << room
    return blocks


def _first_fit(segments: Iterable[Tokens], size: int) -> list[Block]:
    """In order; a tree over the blocks finds the first with room in logarithmic time."""
    segments = list(segments)
    leaves = 1
    while leaves < len(segments):
        leaves *= 2
    room = [size] * (2 * leaves)  # room[i]: the most room of any block under node i
    blocks: list[Block] = []
    for segment in segments:
        node = 1
        while node < leaves:
            node *= 2
            if room[node] < len(segment):
                node += 1
        index = node - leaves
        if index == len(blocks):
            blocks.append(Block())
        blocks[index].add(segment)
        room[node] -= len(segment)
        while node > 1:
            node //= 2
            room[node] = max(room[2 * node], room[2 * node + 1])
    return blocks


STRATEGIES = {"greedy": _next_fit, "first_fit": _first_fit, "best_fit": _best_fit}
