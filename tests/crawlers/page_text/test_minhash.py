import random
from itertools import product

import numpy as np
import pytest
from datasketch import MinHash  # type: ignore[import-untyped]

from crawlers.page_text import minhash
from crawlers.page_text.minhash import (
    HASHES,
    least,
    matching,
    permutations,
    share_a_band,
    shingles,
    signature,
    similarity,
)

_VOCABULARY = ["".join(letters) for letters in product("abcdefgh", repeat=4)]


def _draws(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a test draws, nobody is kept out


def text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(_VOCABULARY, k=words))


def changed(draw: random.Random, original: str, every: float) -> str:
    return " ".join(word if draw.random() > every else draw.choice(_VOCABULARY) for word in original.split())


def jaccard(one: str, other: str) -> float:
    sets = [set(shingles(each).tolist()) for each in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def signed(words: str) -> bytes:
    found = signature(words)
    assert found is not None
    return found


@pytest.mark.parametrize("words", [5, 6, 132, 133, 1000])
def test_it_is_the_signature_that_datasketch_gives_of_the_same_shingles(words: int) -> None:
    hashed = shingles(text(_draws(words), words))
    theirs = MinHash(num_perm=HASHES, permutations=tuple(permutations()), hashfunc=int, scheme="legacy")
    theirs.update_batch(hashed.tolist())
    assert least(hashed).tolist() == theirs.hashvalues.tolist()


def test_the_estimate_of_similarity_is_as_near_as_112_hashes_let_it_be() -> None:
    draw = _draws(1)
    for every in (0.01, 0.05, 0.15):
        one = text(draw, 800)
        other = changed(draw, one, every)
        exact = jaccard(one, other)
        assert similarity(signed(one), signed(other)) == pytest.approx(
            exact, abs=4 * np.sqrt(exact * (1 - exact) / HASHES)
        )


@pytest.mark.parametrize(("similar", "probability"), [(0.7, 0.565), (0.75, 0.772), (0.8, 0.924), (0.85, 0.988)])
def test_the_probability_of_a_shared_band_is_that_of_fineweb(similar: float, probability: float) -> None:
    assert matching(similar) == pytest.approx(probability, abs=5e-4)


def test_near_copies_share_a_band_as_often_as_the_formula_says() -> None:
    draw = _draws(2)
    expected, shared, pairs = 0.0, 0, 400
    for _ in range(pairs):
        one = text(draw, 300)
        other = changed(draw, one, draw.uniform(0.02, 0.07))
        expected += matching(jaccard(one, other))
        shared += share_a_band(signed(one), signed(other))
    assert 0.3 < expected / pairs < 0.9
    assert shared == pytest.approx(expected, abs=4 * np.sqrt(pairs) / 2)


def test_case_punctuation_diacritics_and_numbers_make_no_difference() -> None:
    assert signature("Der Bär, über 12.5 Meilen: weit und breit!") == signature("der bar uber 7 meilen weit und breit")
    assert signature("cafe\u0301 und bar sind hier offen") == signature("café und bar sind hier offen")


def test_fewer_than_five_words_have_no_signature() -> None:
    assert signature("only four words here") is None
    assert signature("") is None
    assert len(signed("now there are five words")) == 4 * HASHES


def test_it_is_the_same_on_every_machine() -> None:
    words = np.frombuffer(signed("the quick brown fox jumps over the lazy dog"), "<u4")
    assert words[:3].tolist() == [464769791, 373366245, 453622890]
    assert minhash.BANDS * minhash.ROWS == HASHES == 112
