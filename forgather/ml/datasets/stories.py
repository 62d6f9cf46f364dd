"""Tells short children's stories: the corpus that needs no download.

A seeded grammar: a cast, a place and a plot are drawn, then one sentence for each beat of the plot.
Names, pronouns, colors and causes carry through because all sentences of a story are filled from
the same slots. The same seed gives the same bytes on every Python, since only
``random.Random(seed).random()`` is used, whose sequence Python guarantees.

The words are in :mod:`~forgather.ml.datasets.story_words`, the plots in
:mod:`~forgather.ml.datasets.story_plots`; this module knows how to tell them and nothing about
tokens. :mod:`~forgather.ml.datasets.corpus` puts the stories on disk.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from forgather.errors import DataError
from forgather.ml.datasets import story_words as words
from forgather.ml.datasets.story_plots import PLOTS, Plot

T = TypeVar("T")
Slots = dict[str, str]

# No story begins with a name: a tokenizer that knows " Mia" as one token would see another there.
OPENINGS = (
    "Once upon a time, there was a {adj} {kind} named {hero}.",
    "There once was a {kind} named {hero} who {trait}.",
    "There was a {adj} {kind} named {hero} who {trait}.",
    "A {adj} {kind} named {hero} lived {home}.",
    "A {adj} {kind} named {hero} {trait}.",
)
SHE_DID = "{Time}, {he} "  # a first beat like this can open the story itself
STRAIGHT_IN = 0.6  # how often it does
SKIPPED = 0.8  # how often an optional beat is left out
# So many tries find a story that was not told yet, where there are any left.
TRIES = 1000

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT_OR_QUOTE = re.compile(r'\{(\w+)\}|"')
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")


def stories(count: int, seed: int = 0) -> Iterator[str]:
    """``count`` different stories; the same ones, in the same order, for the same seed."""
    rng = random.Random(seed)
    told: set[str] = set()
    while len(told) < count:
        for _ in range(TRIES):
            if (story := tell(rng)) not in told:
                break
        else:
            raise DataError(
                f"the story grammar found no new story after {len(told)}",
                hint=f"ask for fewer than {count} stories",
            )
        told.add(story)
        yield story


def tell(rng: random.Random) -> str:
    """One story."""
    plot = pick(rng, PLOTS)
    slots = cast(rng, plot)
    narrator = Narrator(rng, slots)
    lines = [pick(rng, plot.beats[0])]
    if lines[0].startswith(SHE_DID) and rng.random() < STRAIGHT_IN:
        lines[0] = lines[0].replace(SHE_DID, "{Time}, a {adj} {kind} named {hero} ")
    else:
        lines.insert(0, pick(rng, OPENINGS))
    for index, beat in enumerate(plot.beats[1:], start=1):
        if index not in plot.optional or rng.random() > SKIPPED:
            lines.append(pick(rng, beat))
    return " ".join(map(narrator.say, lines))


def pick(rng: random.Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]


def cast(rng: random.Random, plot: Plot) -> Slots:
    """Who and where: every slot that the sentences of ``plot`` may ask for."""
    is_child = plot.cast == "child" or (plot.cast == "any" and rng.random() < 0.55)
    sex, friend_sex = (pick(rng, ("she", "he")) for _ in range(2))
    names = {"she": words.GIRLS, "he": words.BOYS}
    hero = pick(rng, names[sex])
    friend = pick(rng, [name for name in names[friend_sex] if name != hero])
    slots = _hero(rng, hero, sex, is_child) | _place(rng, is_child) | _elder(rng)
    slots |= _friend(rng, friend, friend_sex, slots, is_child)
    slots["color"] = pick(rng, words.COLORS)
    slots["time"] = pick(rng, plot.times)
    slots["trait"] = pick(rng, plot.traits)
    for key, options in plot.words.items():
        option = pick(rng, options)
        slots |= option if isinstance(option, dict) else {key: option}
    return slots


def _hero(rng: random.Random, name: str, sex: str, is_child: bool) -> Slots:
    if is_child:
        kind, homes = {"she": "girl", "he": "boy"}[sex], words.CHILD_HOMES
    else:
        kind = pick(rng, tuple(words.ANIMAL_HOMES))
        homes = words.ANIMAL_HOMES[kind]
    limb = "hand" if is_child else "paw"
    return words.PRONOUNS[sex] | {
        "hero": name,
        "hero_s": f"{name}'s",
        "kind": kind,
        "home": pick(rng, homes),
        "adj": pick(rng, words.ADJECTIVES),
        "hand": limb,
        "hands": f"{limb}s",
    }


def _friend(rng: random.Random, name: str, sex: str, hero: Slots, is_child: bool) -> Slots:
    pronouns = {f"f{key}": value for key, value in words.PRONOUNS[sex].items()}
    if is_child:
        kind = {"she": "girl", "he": "boy"}[sex]
        introduced = f"{hero['his']} friend {name}"
    else:
        kind = pick(rng, [kind for kind in words.ANIMAL_HOMES if kind != hero["kind"]])
        introduced = f"{name} the {kind}"
    return pronouns | {
        "friend": name,
        "friend_the": introduced,
        "friend_new": f"a {kind} named {name}",
    }


def _place(rng: random.Random, is_child: bool) -> Slots:
    place = pick(rng, [p for p in words.PLACES if is_child or p.for_animals])
    spots = list(place.spots)
    chosen = [spots.pop(int(rng.random() * len(spots))) for _ in range(3)]
    spot_slots = {f"spot{i}": spot for i, spot in enumerate(chosen, start=1)}
    return {"place": place.name, "inside": place.inside} | spot_slots


def _elder(rng: random.Random) -> Slots:
    name, sex = pick(rng, words.ELDERS)
    pronouns = {f"e{key}": value for key, value in words.PRONOUNS[sex].items()}
    return pronouns | {"elder": name, "elder_s": f"{name}'s"}


class Narrator:
    """Fills sentences from the slots of one story, and introduces the friend once."""

    def __init__(self, rng: random.Random, slots: Slots) -> None:
        self._rng = rng
        self._slots = slots
        self._friend_is_known = False

    def say(self, sentence: str) -> str:
        while "[" in sentence:
            sentence = _CHOICE.sub(lambda m: pick(self._rng, m[1].split("|")), sentence, count=1)
        return _ARTICLE.sub(r"\1n ", self._fill(sentence))

    def _fill(self, sentence: str, quoted: bool = False) -> str:
        def replace(match: re.Match[str]) -> str:
            nonlocal quoted
            if match[0] == '"':
                quoted = not quoted
                return match[0]
            name = match[1]
            value = self._fill(self._value(name.lower(), quoted), quoted)
            return value[0].upper() + value[1:] if name[0].isupper() else value

        return _SLOT_OR_QUOTE.sub(replace, sentence)

    def _value(self, slot: str, quoted: bool) -> str:
        if slot not in ("friend", "friend_the", "friend_s", "friend_new"):
            return self._slots[slot]
        name, suffix = self._slots["friend"], "'s" if slot == "friend_s" else ""
        if quoted or self._friend_is_known:  # nobody says "her friend Ben" to Ben
            return name + suffix
        self._friend_is_known = True
        return self._slots["friend_new" if slot == "friend_new" else "friend_the"] + suffix
