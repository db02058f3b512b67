import pytest

from crawlers.asking.posting import secret
from crawlers.base import Service
from geo_flywheel.errors import ConfigError


def test_a_key_loses_the_blanks_around_it() -> None:
    assert secret(Service("e", "", {"KEY": " abc\n"}), "KEY") == "abc"


@pytest.mark.parametrize("value", ["a\nb", "kéy", "a\x00b"])
def test_a_key_no_header_can_carry_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ConfigError, match="KEY holds characters") as caught:
        secret(Service("e", "", {"KEY": value}), "KEY")
    assert value not in str(caught.value)
