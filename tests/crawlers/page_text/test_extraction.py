from crawlers.page_text.extraction import extracted
from crawlers.sandbox.page_texts import BOUGHT, FOUND, PROMISED

_PAGE = "<html><body><nav><a href=/>Home</a></nav><article>{}</article><footer>About</footer></body></html>"


def page(*paragraphs: str) -> str:
    return _PAGE.format("".join(f"<p>{said}</p>" for said in paragraphs))


def test_the_text_is_the_paragraphs_and_no_navigation() -> None:
    assert extracted(page(BOUGHT, PROMISED, FOUND)) == f"{BOUGHT}\n{PROMISED}\n{FOUND}"


def test_what_was_read_before_makes_no_difference() -> None:
    once = extracted(page(BOUGHT, PROMISED, FOUND))
    assert [extracted(page(BOUGHT, PROMISED, FOUND)) for _ in range(6)] == [once] * 6


def test_what_is_no_page_has_no_text() -> None:
    assert [extracted(html) for html in ("", "   ", "\x00\x01", "<", "<html></html>", "{}")] == [""] * 6
