"""`crawl` as a person runs it: against a sandbox on this machine, with every provider there is."""

import base64
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

import crawlers.http
from crawlers.sandbox.addresses import Sandbox
from crawlers.sandbox.faults import parse
from crawlers.sandbox.serving import Received, Sent
from geo_flywheel import plugins
from geo_flywheel.store.database import open_store
from geo_flywheel.workspace import Workspace, make
from tests.conftest import Run
from tests.crawlers.crawling import START, WORLD, client, every_key, served_beside

PROVIDERS = tuple(name for name, plugin in plugins.engines().items() if plugin.asking)
BUDGET = '[budget]\nunknown_price = "allow"\n'


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(WORLD, 3, START)


@pytest.fixture
def address(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Where the sandbox is; for this process everything lies in it, and nobody waits."""
    for name, key in every_key().items():
        monkeypatch.setenv(name, key)
    with served_beside(sandbox.respond) as address:

        def everywhere(**options: Any) -> crawlers.http.Client:
            return client(address, cache=tmp_path / "cache", **options)

        monkeypatch.setattr(crawlers.http, "Client", everywhere)
        yield address


def workspace_for(
    root: Path, address: str, sandbox: Sandbox, providers: tuple[str, ...], *, prompts: int = 1, more: str = BUDGET
) -> Workspace:
    tables = [f'[providers.{name}]\nurl = "{address}/{name}"\n' for name in providers]
    asked = [f"[[basket.prompts]]\ntext = {json.dumps(prompt.text)}\n" for prompt in sandbox.prompts[:prompts]]
    return make(root, "\n".join(["[crawl]\nrepeats = 2\n", more, *tables, *asked]))


def rows(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with open_store(workspace.store_path, read_only=True) as store:
        return store.rows(sql)


def test_what_was_asked_is_said_stored_and_published(run: Run, address: str, sandbox: Sandbox, tmp_path: Path) -> None:
    workspace = workspace_for(tmp_path / "w", address, sandbox, ("perplexity",))
    result = run("crawl", workspace=workspace)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "perplexity, perplexity: 2 grounded" in result.stderr
    assert "2 asks, 0.01 USD" in result.stderr
    published = Workspace(tmp_path / "p")
    published.root.mkdir()
    workspace.published_path.rename(published.store_path)
    assert rows(published, "SELECT count(*) FROM answers") == [(2,)]


def test_a_crawl_of_the_same_name_asks_only_what_is_left(
    run: Run, address: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    workspace = workspace_for(tmp_path / "w", address, sandbox, ("perplexity",))
    sandbox.faults.order(parse({"kind": "status", "status": 400, "next": 1}))
    first = run("crawl", "--snapshot", "s", workspace=workspace)
    assert first.exit_code == 1
    assert "perplexity, perplexity: 1 error, 1 grounded" in first.stderr
    again = run("crawl", "--snapshot", "s", workspace=workspace)
    assert again.exit_code == 0
    assert "1 asks" in again.stderr
    assert run("crawl", "--snapshot", "s", workspace=workspace).stderr.startswith("0 asks, 0.00 USD")


def test_a_spent_budget_is_said_and_ends_with_1(run: Run, address: str, sandbox: Sandbox, tmp_path: Path) -> None:
    poor = '[budget]\nunknown_price = "allow"\nday_usd = 0.0\n'
    workspace = workspace_for(tmp_path / "w", address, sandbox, ("openai",), more=poor)
    result = run("crawl", workspace=workspace)
    assert result.exit_code == 1
    assert "0 asks" in result.stderr
    assert "not everything was asked: the budget is spent" in result.stderr


def test_a_question_beside_the_basket_enters_no_basket(
    run: Run, address: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    workspace = workspace_for(tmp_path / "w", address, sandbox, ("perplexity",), prompts=0)
    result = run("crawl", "--ask", "Is it good?", workspace=workspace)
    assert result.exit_code == 0
    assert rows(workspace, "SELECT DISTINCT prompt, half, basket_revision FROM answers") == [
        ("Is it good?", None, None)
    ]
    assert not workspace.basket_path.exists()


def test_a_missing_key_is_named_before_anything_is_asked(
    run: Run, address: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    workspace = workspace_for(tmp_path / "w", address, sandbox, ("openai", "perplexity"))
    result = run("crawl", workspace=workspace)
    assert result.exit_code == 2
    assert "openai needs OPENAI_API_KEY in the environment" in result.stderr
    assert not workspace.archive_path.exists()


def test_nobody_to_ask_is_an_error_that_says_what_to_write(run: Run, workspace: Workspace) -> None:
    result = run("crawl", workspace=workspace)
    assert result.exit_code == 2
    assert "[providers.openai]" in result.stderr


# Ctrl-C


def test_ctrl_c_finishes_what_is_in_flight_and_the_next_crawl_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    inside, interrupted = Event(), Event()

    def respond(received: Received) -> Sent:
        inside.set()
        assert interrupted.wait(30)
        return sandbox.respond(received)

    with served_beside(respond) as there:
        workspace = workspace_for(tmp_path / "w", there, sandbox, ("perplexity",), prompts=6)
        command = [sys.executable, "-m", "geo_flywheel", "--workspace", str(workspace.root), "crawl", "--snapshot", "s"]
        environment = os.environ | every_key()
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr
            assert inside.wait(30)
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline() == "finishing what is in flight; once more breaks off\n"
            interrupted.set()
            said = process.stderr.read()
        assert process.returncode == 0
        assert "not everything was asked: stopped" in said
        assert rows(workspace, "SELECT DISTINCT status FROM answers") == [("grounded",)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    assert rows(workspace, "SELECT count(*) FROM answers") == [(12,)]
    assert sandbox._answered == {"perplexity": 12}
    assert list(workspace.archive_path.glob("*.open")) == []


# Secrets

FAULTS: list[dict[str, Any]] = [
    {"kind": "throttle", "form": "retry_info"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 401},
    {"kind": "cut"},
    {"kind": "drop"},
    {"kind": "failure"},
    {"kind": "retired"},
    {"kind": "garbage"},
]


def distinctive(name: str) -> str:
    """A key that is found wherever it went, with characters that other spellings change."""
    return f'KEY+{name}/"{len(name)}&=~'


def spellings(key: str) -> set[bytes]:
    forms = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    forms |= {form.replace("%2B", "%2b").replace("%2F", "%2f") for form in forms}
    whole = base64.b64encode(key.encode()).decode()
    return {form.encode() for form in forms | {whole.rstrip("="), whole[:24]}}


def _basic(keys: dict[str, str]) -> bytes:
    pair = f"{keys['DATAFORSEO_LOGIN']}:{keys['DATAFORSEO_PASSWORD']}"
    return base64.b64encode(pair.encode()).rstrip(b"=")


def everything_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The bytes of every file, and those of archives unpacked as well."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            yield str(path), raw
            if ".gz" in path.suffixes:
                yield f"{path} unpacked", b"".join(_unpacked(raw))


def _unpacked(raw: bytes) -> Iterator[bytes]:
    while raw:
        inflate = zlib.decompressobj(wbits=31)
        yield inflate.decompress(raw)
        raw = inflate.unused_data


def every_text(workspace: Workspace) -> bytes:
    """Every text column of every table; inside the file they are compressed."""
    with open_store(workspace.store_path, read_only=True) as store:
        tables = store.rows("SELECT table_name FROM duckdb_tables()")
        found = [store.rows(f"SELECT * FROM {table}") for (table,) in tables]  # noqa: S608 - names of the store's own
    return repr(found).encode()


def echoing(received: Received, sent: Sent) -> Sent:
    """What a server sends that repeats what it was sent, in headers and body, as error pages do."""
    if sent.status < 400:
        return sent
    told = json.dumps({"headers": dict(received.headers), "query": dict(received.query)}).encode()
    repeated = tuple(
        (f"x-{name}", value) for name, value in received.headers.items() if "auth" in name or "key" in name
    )
    return replace(sent, body=sent.body + told, headers=(*sent.headers, *repeated))


def test_no_key_stands_anywhere_after_a_whole_crawl(
    run: Run,
    address: str,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    keys = {name: distinctive(name) for name in every_key()}
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    seen: list[bytes] = []

    def watching(received: Received) -> Sent:
        seen.append(repr((received.headers, received.query)).encode())
        return echoing(received, sandbox.respond(received))

    with served_beside(watching) as there:
        monkeypatch.setattr(crawlers.http, "Client", partial(client, there, cache=tmp_path / "w" / "cache"))
        workspace = workspace_for(tmp_path / "w", address, sandbox, PROVIDERS)
        results = []
        for order in ({}, *FAULTS):
            sandbox.faults.clear()
            if order:
                sandbox.faults.order(parse({**order, "rate": 1.0}))
            results.append(run("crawl", "--snapshot", str(order), workspace=workspace))
    assert [result.exit_code for result in results] == [0, *[1] * len(FAULTS)], results[0].stderr
    forms = {form for key in keys.values() for form in spellings(key)} | {_basic(keys)}
    asked = b"".join(seen)
    arrived = {name for name, key in keys.items() if repr(key)[1:-1].encode() in asked}
    assert arrived >= set(keys) - {"DATAFORSEO_LOGIN", "DATAFORSEO_PASSWORD"}
    assert _basic(keys) in asked
    said = "".join(result.stdout + result.stderr for result in results).encode()
    places = dict(everything_under(workspace.root))
    assert any("unpacked" in name for name in places)
    places |= {"said": said, "logged": caplog.text.encode(), "stored": every_text(workspace)}
    assert [(name, form) for name, content in places.items() for form in forms if form in content] == []
