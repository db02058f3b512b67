from geo_flywheel.registry import permissions
from geo_flywheel.registry.permissions import purpose_tokens, purposes


def test_words_are_about_the_purposes_that_their_specifications_name() -> None:
    assert purposes("content_signal") == {"search": "search_index", "ai-input": "user_fetch", "ai-train": "training"}
    assert purposes("content_usage") == {"search": "search_index", "train-ai": "training"}
    assert purposes("tdmrep") == {"tdm-reservation": "training"}
    assert purposes("robots_directive")["noai"] == "training"
    assert purposes("no_such_signal") == {}


def test_every_word_names_its_source() -> None:
    assert all(entry["source"].startswith("https://") for entry in permissions._listed("word"))


def test_a_draft_whose_token_is_not_known_has_none() -> None:
    assert all(known.token and known.purpose and known.source for known in purpose_tokens())
