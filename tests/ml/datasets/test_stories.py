"""The story grammar: distinct, reproducible, and correct English as far as a machine can tell."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from itertools import islice

import pytest

from forgather.errors import DataError
from forgather.ml.datasets import story_words as words
from forgather.ml.datasets.stories import stories
from forgather.ml.datasets.story_plots import PLOTS

COUNT = 4000


@pytest.fixture(scope="module")
def told() -> list[str]:
    return list(stories(COUNT, seed=1))


def test_stories_are_distinct(told):
    assert len(set(told)) == COUNT


def test_twenty_thousand_distinct_stories_exist():
    all_told = list(stories(21_000))
    assert len(set(all_told)) == 21_000
    assert 4e6 < sum(len(story) for story in all_told) < 8e6


def test_the_same_seed_tells_the_same_bytes_in_another_process(told):
    code = (
        "import hashlib; from forgather.ml.datasets.stories import stories;"
        "print(hashlib.sha256('|'.join(stories(300, seed=1)).encode()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashlib.sha256("|".join(told[:300]).encode()).hexdigest()


def test_the_first_story_never_changes_unnoticed():
    # The corpus is a fixed input of benchmarks and documentation: a change must be meant.
    assert hashlib.sha256("|".join(stories(100)).encode()).hexdigest()[:16] == PINNED


PINNED = "edfa1fdad8f7a41c"


def test_another_seed_tells_others(told):
    assert not set(islice(stories(100, seed=2), 100)) & set(told[:100])


def test_every_slot_is_filled(told):
    assert not [story for story in told if re.search(r"[{}\[\]|]", story)]


def test_sentences_begin_with_a_capital_and_end(told):
    for story in told:
        assert re.fullmatch(r'["A-Z].*[.!?]"?', story), story
        assert not re.search(r"[a-z]\. [a-z]", story), story
        assert "  " not in story and not re.search(r" [,.!?]", story), story


def test_quotes_are_paired_and_close_after_punctuation(told):
    for story in told:
        parts = story.split('"')
        assert len(parts) % 2 == 1, story
        for said in parts[1::2]:
            assert re.fullmatch(r"[A-Z].*[.,!?]|but .*", said), (said, story)


def test_a_and_an_fit_the_next_word(told):
    for story in told:
        for article, letter in re.findall(r"\b([Aa]n?) ([A-Za-z])", story):
            assert (article.lower() == "an") == (letter.lower() in "aeiou"), story


def test_no_word_is_doubled(told):
    for story in told:
        doubled = re.search(r"\b(\w+) \1\b", story)
        assert doubled is None, (doubled, story)


def test_at_most_two_characters_have_names_and_each_is_introduced(told):
    names = {*words.GIRLS, *words.BOYS}
    kinds = "|".join(words.ANIMAL_HOMES)
    introduction = re.compile(rf"(?:friend|named) (\w+)|(\w+)(?:'s)? the (?:{kinds})\b")
    for story in told:
        outside = " ".join(story.split('"')[0::2])
        found = [word for word in re.findall(r"[A-Z]\w+", story) if word in names]
        assert len(set(found)) <= 2, story
        introduced = {a or b for a, b in introduction.findall(outside)}
        hero = found[0]
        assert set(re.findall(r"[A-Z]\w+", outside)) & names <= introduced | {hero}, story


def test_pronouns_fit_where_all_named_are_of_one_sex(told):
    girls, boys = set(words.GIRLS), set(words.BOYS)
    women, men = {"Mom", "Grandma"}, {"Dad", "Grandpa"}
    for story in told:
        named = set(re.findall(r"[A-Z]\w+", story))
        if not named & (boys | men):
            assert not re.search(r"\b([Hh]e|[Hh]is|[Hh]im)\b", story), story
        if not named & (girls | women):
            assert not re.search(r"\b([Ss]he|[Hh]er)\b", story), story


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_plots_are_whole(plot):
    assert len(plot.beats) >= 4 and len(plot.traits) >= 2
    assert 0 not in plot.optional and all(index < len(plot.beats) for index in plot.optional)
    assert all(sentence for beat in plot.beats for sentence in beat)


def test_too_many_stories_are_refused(monkeypatch):
    monkeypatch.setattr("forgather.ml.datasets.stories.tell", lambda rng: "The end.")
    with pytest.raises(DataError, match="no new story after 1"):
        list(stories(2))
