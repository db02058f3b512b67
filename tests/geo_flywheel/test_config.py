from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_flywheel.config import Config, add_prompts, load, parse
from geo_flywheel.errors import ConfigError
from geo_flywheel.records import Prompt

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_an_empty_file_is_an_empty_configuration() -> None:
    assert parse("") == Config((), (), ())


def test_sites_are_kept_as_registrable_domains_in_order_and_once() -> None:
    config = parse('[site]\nown = ["https://www.B.example/x", "a.example", "b.example"]\nrivals = ["c.example"]')
    assert config.own == ("b.example", "a.example")
    assert config.rivals == ("c.example",)


def test_prompts_are_kept_in_order_and_once() -> None:
    blocks = (
        '[[basket.prompts]]\ntext = "b"\n[[basket.prompts]]\ntext = "a"\n[[basket.prompts]]\ntext = "b"\ntopic = "x"'
    )
    assert parse(blocks).prompts == (Prompt("b"), Prompt("a"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[site]\nowm = ["a.example"]', "nothing is called owm in [site]; did you mean own?"),
        ('[sites]\nown = ["a.example"]', "nothing is called sites at the top; did you mean site?"),
        ("[basket]\nzzz = 1", "nothing is called zzz in [basket]; known are prompts"),
        ('[site]\nown = "a.example"', "own (in [site]) is text, not a list"),
        ("[site]\nown = [3]", "own (in [site]) is a number, not text"),
        ('[site]\nown = ["no site"]', '"no site" names no site'),
        ("site = true", "site (at the top) is true or false, not a table"),
        ("[basket]\nprompts = 3", "[basket] prompts is a number, not a list"),
        ('[basket]\nprompts = ["q"]', "number 1: text stands where a table should"),
        ('[[basket.prompts]]\ntopic = "x"', "number 1: there is no text"),
        ('[[basket.prompts]]\ntext = "q"\nlocal = "de"', "in [[basket.prompts]] number 1; did you mean locale?"),
        ("[site", "is not TOML"),
        ("a = " + "[" * 100_000, "is not TOML"),
    ],
)
def test_what_it_does_not_know_is_refused_with_place_and_remedy(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("key", ["openai_api_key", "APIKEY", "token", "client_secret"])
def test_a_secret_is_refused_and_its_value_not_repeated(key: str) -> None:
    with pytest.raises(ConfigError, match="looks like a secret.*environment") as caught:
        parse(f'{key} = "sk-123"')
    assert "sk-123" not in str(caught.value)


def test_an_error_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "geo-flywheel.toml"
    with pytest.raises(ConfigError, match=r"geo-flywheel\.toml: cannot be read"):
        load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"geo-flywheel\.toml: is not UTF-8 \(byte 0\)"):
        load(file)
    file.write_text("x = 1")
    with pytest.raises(ConfigError, match=r"geo-flywheel\.toml: nothing is called x"):
        load(file)


@given(st.lists(st.builds(Prompt, TEXT.filter(str.strip), TEXT, TEXT), unique_by=lambda prompt: prompt.id))
def test_any_prompt_added_is_read_back_and_what_stood_there_stays(prompts: list[Prompt]) -> None:
    stood = b"# mine\r\n[site]\nown = []  # no end of line"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "geo-flywheel.toml"
        file.write_bytes(stood)
        add_prompts(file, prompts)
        assert file.read_bytes().startswith(stood)
        assert load(file).prompts == tuple(prompts)


def test_prompts_written_inline_cannot_be_added_to_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "geo-flywheel.toml"
    file.write_text('[basket]\nprompts = [{ text = "a" }]\n')
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"until all are \[\[basket.prompts\]\]"):
        add_prompts(file, [Prompt("b")])
    assert file.read_bytes() == before


def test_a_broken_character_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "geo-flywheel.toml"
    file.write_text("")
    with pytest.raises(ConfigError, match="broken character"):
        add_prompts(file, [Prompt("a\udcff")])
    assert file.read_bytes() == b""
