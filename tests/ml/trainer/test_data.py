import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forgather.errors import CheckpointError, DataError
from forgather.ml.trainer.dataloader import BatchLoader, fingerprint
from forgather.ml.trainer.order import ShuffledOrder
from forgather.ml.trainer.stream import StreamLoader


def numbers(batches):
    return [batch.tolist() for batch in batches]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9000), st.integers(0, 2**40), st.integers(0, 50))
def test_an_order_is_a_permutation_and_any_piece_of_it_is_the_same(length, seed, epoch):
    whole = ShuffledOrder(length, seed, epoch)(0, length)
    assert sorted(whole) == list(range(length))
    middle = length // 3
    assert ShuffledOrder(length, seed, epoch)(middle, length) == whole[middle:]


def test_the_order_is_fixed_for_all_time():
    assert ShuffledOrder(10, 1, 0)(0, 10) == [3, 1, 0, 9, 6, 5, 2, 8, 7, 4]


def test_epochs_and_seeds_differ():
    orders = {tuple(ShuffledOrder(30, seed, epoch)(0, 30)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


def test_a_far_position_is_found_at_once():
    assert len(set(ShuffledOrder(10**15, 1, 0)(10**14, 10**14 + 10))) == 10


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_go_on_where_the_state_says(workers, drop_last):
    def loader(count=0):
        return BatchLoader(
            list(range(23)), 4, shuffle=True, seed=5, drop_last=drop_last, num_workers=count
        )

    whole = loader(workers)
    expected = numbers(whole)
    assert len(expected) == len(whole) == (5 if drop_last else 6)
    assert whole.progress == 1.0
    for cut in range(len(expected)):
        first = loader()
        batches = iter(first)
        for _ in range(cut):
            next(batches)
        second = loader(workers if cut == 2 else 0)
        second.load_state_dict(first.state_dict())
        assert numbers(second) == expected[cut:]


def test_the_loader_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    list(BatchLoader(list(range(8)), 4, shuffle=True, num_workers=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_persistent_workers_turn_the_page():
    loader = BatchLoader(list(range(8)), 4, shuffle=True, num_workers=1, persistent_workers=True)
    plain = BatchLoader(list(range(8)), 4, shuffle=True)
    for _ in range(3):
        assert numbers(loader) == numbers(plain)
        loader.next_epoch()
        plain.next_epoch()


def test_getitems_is_used_where_a_dataset_has_it():
    class Many(list):
        def __getitems__(self, indices):
            return [self[i] + 100 for i in indices]

    assert numbers(BatchLoader(Many(range(4)), 4)) == [[100, 101, 102, 103]]


def test_state_of_other_data_is_refused():
    state = BatchLoader(list(range(8)), 4).state_dict()
    with pytest.raises(CheckpointError, match="length was 8 and is 9 now"):
        BatchLoader(list(range(9)), 4).load_state_dict(state)
    with pytest.raises(CheckpointError, match="fingerprint"):
        BatchLoader(list(range(1, 9)), 4).load_state_dict(state)
    with pytest.raises(CheckpointError, match="iterable"):
        StreamLoader(iter(()), 4).load_state_dict(state)


def test_fingerprints_are_of_content_not_of_container():
    rows = [{"a": torch.tensor([1, 2]), "b": "x"}] * 3
    assert fingerprint(rows) == fingerprint([{"b": "x", "a": [1, 2]}] * 3)
    assert fingerprint(rows) != fingerprint(rows[:2])


def test_nothing_to_load_is_an_error():
    with pytest.raises(DataError, match="has 0 examples"):
        BatchLoader([], 4)
    with pytest.raises(DataError, match="drop_last"):
        BatchLoader([1, 2], 4, drop_last=True)
    with pytest.raises(DataError, match="no example"):
        next(iter(StreamLoader([], 4)))


class Stream:
    """An iterable that can seek."""

    def __init__(self, size=10):
        self.size, self.at = size, 0

    def __iter__(self):
        while self.at < self.size:
            self.at += 1
            yield self.at - 1
        self.at = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state_dict):
        self.at = state_dict["at"]


@pytest.mark.parametrize("make", [Stream, lambda: (n for n in range(10))])
def test_streams_resume_by_seeking_or_by_replay(make):
    first = StreamLoader(make(), 4, epoch_batches=3)
    batches = iter(first)
    assert next(batches).tolist() == [0, 1, 2, 3]
    second = StreamLoader(make(), 4, epoch_batches=3)
    second.load_state_dict(first.state_dict())
    assert numbers(second) == [[4, 5, 6, 7], [8, 9]]
