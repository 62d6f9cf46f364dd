"""The words of the story grammar: who the stories are about, and where they happen.

Only data. How words become a story is in :mod:`forgather.ml.datasets.stories`; what happens in a
story is in :mod:`forgather.ml.datasets.story_plots`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Children and animals share the names, and there are few of them: a small model must see each often
# enough to learn that a story keeps its names.
GIRLS = ("Lily", "Mia", "Anna", "Rosie", "Ruby", "Poppy", "Hazel", "Daisy")
BOYS = ("Tom", "Ben", "Max", "Sam", "Pip", "Finn", "Hugo", "Otto")

# Where each kind of animal lives: the opening sentence of a story may say it.
ANIMAL_HOMES = {
    "rabbit": ("in a cozy burrow", "under a green hill", "at the edge of the woods"),
    "mouse": ("in an old mill", "under the kitchen floor", "behind the red barn"),
    "fox": ("at the edge of the woods", "in a den under an oak tree"),
    "bear": ("in a warm cave", "deep in the woods"),
    "kitten": ("on a quiet farm", "in a house by the sea"),
    "puppy": ("on a quiet farm", "in a house on the hill"),
    "hedgehog": ("under a thick hedge", "at the end of the garden"),
    "squirrel": ("high in an oak tree", "in a hollow tree"),
    "otter": ("beside a blue river", "near a quiet stream"),
    "badger": ("under a green hill", "deep in the woods"),
    "mole": ("under the meadow", "in a cozy burrow"),
    "raccoon": ("in a hollow tree", "beside a blue river"),
}
CHILD_HOMES = (
    *("in a yellow house", "in a house by the sea", "in a small town", "on a quiet farm"),
    *("at the end of a quiet street", "in a house on the hill", "near a big park"),
)

ADJECTIVES = ("little", "little", "kind", "small", "cheerful", "young", "gentle", "clever", "sweet")
COLORS = ("red", "blue", "green", "yellow", "orange", "purple", "white", "pink")
TIMES = (
    *("one day", "one day", "one morning", "one sunny day", "one sunny morning", "early one day"),
    *("one warm afternoon", "one bright morning", "one fine day", "on a sunny day"),
)
ELDERS = (("Mom", "she"), ("Dad", "he"), ("Grandma", "she"), ("Grandpa", "he"))

PRONOUNS = {
    "she": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "he": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
}


@dataclass(frozen=True)
class Place:
    """A place out of doors: how to be there, and three or more spots where small things hide."""

    name: str
    inside: str
    spots: tuple[str, ...]
    for_animals: bool = True


PLACES = (
    Place(
        "the garden",
        "in the garden",
        ("under the bench", "behind the roses", "near the gate", "under the apple tree"),
    ),
    Place(
        "the woods",
        "in the woods",
        ("under a fern", "behind a log", "near the stream", "in a pile of leaves"),
    ),
    Place(
        "the meadow",
        "in the meadow",
        ("in the tall grass", "behind a stone", "near the brook", "among the flowers"),
    ),
    Place(
        "the farm",
        "on the farm",
        ("under the cart", "behind the barn", "near the well", "in the hay"),
    ),
    Place(
        "the park",
        "in the park",
        ("under a bench", "behind the slide", "near the swings", "in the bushes"),
        for_animals=False,
    ),
    Place(
        "the beach",
        "at the beach",
        ("under a towel", "behind a rock", "near the boats", "in the warm sand"),
        for_animals=False,
    ),
)
