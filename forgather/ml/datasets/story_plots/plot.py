"""The shape of a plot: a row of beats from trouble to a good end.

A beat is a tuple of sentences of which one is told. ``[a|b]`` picks one of the alternatives,
``{slot}`` is filled from the cast, the place and the plot's own ``words``; ``{Slot}`` is the same
with a capital letter, and ``a`` becomes ``an`` before a vowel. An option in ``words`` that is a dict
fills several slots which belong together.

Every sentence must make sense after every sentence of the beats before it, with or without the
optional ones. The tests tell thousands of stories and check names, articles, quotes and slots; a
person should read a page of stories after each change.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from forgather.ml.datasets.story_words import TIMES

Option = str | dict[str, str]


@dataclass(frozen=True)
class Plot:
    name: str
    traits: tuple[str, ...]  # ends "Lily was a little girl who ..."
    beats: tuple[tuple[str, ...], ...]
    optional: tuple[int, ...] = ()  # beats (from 0) that most tellings leave out
    words: dict[str, tuple[Option, ...]] = field(default_factory=dict)
    times: tuple[str, ...] = TIMES
    cast: str = "any"  # "child" or "any"


WINDY = ("one windy day", "one windy morning", "on a windy afternoon", "one breezy day")
RAINY = ("one rainy day", "one gray morning", "on a rainy afternoon")
COLD = ("one cold day", "one snowy morning", "on a cold winter day", "one frosty morning")
NIGHT = ("one night", "late one night", "one dark night", "one quiet night")
