from __future__ import annotations

import threading

import numpy as np

from napari_blindspot.io import held
from napari_blindspot.io.held import Held


def array(value, n_bytes=1000):
    return np.full(n_bytes, value, np.uint8)


def kept(n_arrays):
    return Held(n_arrays * (1000 + held._ENTRY_BYTES))


def test_what_was_used_last_is_kept():
    some = kept(2)
    for name in "ab":
        some.put(("file", name), array(1))
    some.get(("file", "a"))
    some.put(("file", "c"), array(2))
    assert some.get(("file", "b")) is None
    assert some.get(("file", "a"))[0] == 1
    assert some.get(("file", "c"))[0] == 2
    assert some.n_bytes == some.limit


def test_an_array_replaces_the_one_of_its_key():
    some = kept(2)
    for value in range(5):
        some.put(("file", "a"), array(value))
    assert some.get(("file", "a"))[0] == 4
    assert some.n_bytes == some.limit / 2


def test_an_array_that_is_too_large_is_not_kept():
    some = kept(1)
    some.put(("file", "a"), array(1, 2000))
    assert some.get(("file", "a")) is None
    assert some.n_bytes == 0


def test_the_arrays_of_an_owner_are_forgotten():
    some = kept(3)
    for owner in (1, 2):
        some.put((owner, "a"), array(owner))
    some.forget(1)
    assert some.get((1, "a")) is None
    assert some.get((2, "a"))[0] == 2
    assert some.n_bytes == some.limit / 3


def test_an_owner_that_goes_within_a_call_is_forgotten_with_the_next():
    some = kept(3)
    some.put((1, "a"), array(1))
    with some._lock:
        some.forget(1)
    assert some.get((1, "a")) is not None
    some.put((2, "a"), array(2))
    assert some.get((1, "a")) is None


def test_threads_do_not_lose_count():
    some = kept(20)

    def use(seed):
        rng = np.random.default_rng(seed)
        for _ in range(300):
            key = (int(rng.integers(3)), int(rng.integers(30)))
            found = some.get(key)
            assert found is None or found[0] == key[1]
            some.put(key, array(key[1]))
            if rng.random() < 0.02:
                some.forget(key[0])

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    some.put((0, 0), array(0))
    assert some.n_bytes == sum(each.nbytes + held._ENTRY_BYTES for each in some._values.values())
    assert 0 < some.n_bytes <= some.limit
