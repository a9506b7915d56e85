"""In which order images are asked for: pure functions, checked by properties."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from ocr.labelling import queue
from ocr.labelling.queue import AGAIN, EVERY, FIRST, RANDOM, for_training, is_gold, least_sure

NAMES = [f"{k:03}.png" for k in range(300)]
names = st.lists(st.integers(0, 999).map("{}.png".format), unique=True, max_size=60)
seeds = st.integers(0, 5)


@given(names, seeds, st.data())
def test_every_open_image_is_asked_for_once(names, seed, data):
    some = st.lists(st.sampled_from(names), unique=True) if names else st.just([])
    closed, near, guessed, put_off = (data.draw(some) for _ in range(4))
    streams = least_sure(queue.streams(names, seed), dict.fromkeys(guessed, 0.5))
    later = dict.fromkeys(put_off, data.draw(st.integers(-AGAIN, AGAIN)))
    order = list(
        queue.upcoming(
            streams, data.draw(st.integers(0, 50)), closed=closed, near=near, put_off=later
        )
    )
    assert sorted(order) == sorted({*names} - {*closed})


@given(names, seeds, st.data())
def test_an_answer_moves_the_order_on_by_one(names, seed, data):
    """The page loads the next images ahead: they must be those that are asked for."""
    streams = queue.streams(names, seed)
    if data.draw(st.booleans()):
        streams = least_sure(streams, {name: (hash(name) % 97) / 97 for name in names})
    place = data.draw(st.integers(0, 40))
    order = list(queue.upcoming(streams, place))
    for k in range(min(5, len(order))):
        closed = order[:k]
        assert list(queue.upcoming(streams, place + k, closed=closed)) == order[k:]


@given(names, st.integers(0, 999).map("new{}.png".format), seeds)
def test_a_new_image_leaves_the_order_of_the_others(names, new, seed):
    with_new = queue.random_order([*names, new], seed)
    assert [name for name in with_new if name != new] == queue.random_order(names, seed)


def test_the_order_is_random_and_by_its_seed():
    one, two = queue.random_order(NAMES, 1), queue.random_order(NAMES, 2)
    assert one != two and one != NAMES and one == queue.random_order(NAMES[::-1], 1)


def test_one_in_five_is_gold_whatever_is_known():
    assert 40 <= sum(is_gold(name, 0) for name in NAMES) <= 80
    plain = queue.streams(NAMES, 0)
    for streams in (plain, least_sure(plain, dict.fromkeys(NAMES, 0.5))):
        order = list(islice(queue.upcoming(streams, 0), 200))
        assert [is_gold(name, 0) for name in order] == [
            k % EVERY == EVERY - 1 for k in range(len(order))
        ]


def test_least_sure_first_with_one_in_ten_at_random():
    confidences = {name: (7 * k % 300) / 300 for k, name in enumerate(NAMES)}
    streams = least_sure(queue.streams(NAMES, 0), confidences)
    order = list(islice(queue.upcoming(streams, 0), 100))
    random, unsure = iter(streams.random), iter(streams.unsure)
    asked = set()
    for place, name in enumerate(order):
        if place % EVERY != EVERY - 1:
            sure = place >= FIRST and place % RANDOM
            expected = next(n for n in (unsure if sure else random) if n not in asked)
            assert name == expected, place
        asked.add(name)
    late = [confidences[n] for k, n in enumerate(order) if k >= FIRST and k % RANDOM and k % 5 != 4]
    assert late == sorted(late) and late[-1] < 0.4


def test_near_duplicates_come_last_and_put_off_images_after_a_while():
    streams = queue.streams(NAMES, 0)
    order = list(queue.upcoming(streams, 0))
    twins, off = set(order[:3]), order[3]
    later = {off: 10}
    soon = list(queue.upcoming(streams, 4, near=twins, put_off=later, answers=11))
    assert {*soon[-3:]} == twins and soon[-4] == off
    due = list(queue.upcoming(streams, 4, near=twins, put_off=later, answers=10 + AGAIN))
    assert due[0] == off and due[1:] == soon[:-4] + soon[-3:]


@given(st.dictionaries(st.integers(0, 30).map(str), st.booleans()), seeds)
def test_gold_and_what_repeats_it_is_never_trained_on(gold, seed):
    def nearly_same(name):
        return {str(k) for k in range(31) if k % 7 == int(name) % 7} - {name}

    chosen = for_training(gold, nearly_same)
    scored = {name for name, each in gold.items() if each}
    assert not chosen & scored and chosen <= set(gold)
    assert not any(twin in scored for name in chosen for twin in nearly_same(name))
    assert {n for n in gold if not {n, *nearly_same(n)} & scored} == chosen
