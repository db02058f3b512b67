import pytest

from geo_flywheel.registry.page_rules import Limit, page_rules


def test_the_limits_are_those_published() -> None:
    rules = page_rules()
    assert list(rules) == ["gopher_quality", "gopher_repetition", "c4", "fineweb"]
    assert rules["gopher_quality"]["words"] == Limit(50, 100_000)
    assert rules["gopher_quality"]["alphabetic_words"] == Limit(0.8, None)
    assert [rules["gopher_repetition"][f"duplicate_{n}_grams"].high for n in range(5, 11)] == [
        *(0.15, 0.14, 0.13, 0.12, 0.11, 0.10)
    ]
    assert rules["fineweb"]["duplicate_line_characters"] == Limit(None, 0.01)
    assert rules["c4"]["sentences"] == Limit(5, None)


@pytest.mark.parametrize(("value", "allowed"), [(1, False), (2, True), (3, True), (4, False)])
def test_both_limits_are_allowed(value: float, allowed: bool) -> None:  # noqa: FBT001
    assert Limit(2, 3).allows(value) is allowed


def test_a_rule_without_limits_allows_everything() -> None:
    assert Limit().allows(-1)
