import json
from pathlib import Path
from typing import Any

import httpx
import pytest

import crawlers.http
from crawlers.http import Client
from geo_flywheel import plugins
from geo_flywheel.cli.output import FORMATS
from geo_flywheel.store.archive import Run as ArchivedRun
from geo_flywheel.store.database import open_store
from geo_flywheel.workspace import Workspace
from tests.conftest import Run
from tests.crawlers.loopback import Network

KEYS = [key for engine in plugins.engines().values() if engine.asking for key in engine.asking.keys]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Everyone replies that there is nothing, until a test says otherwise."""
    network = Network([httpx.Response(404)])

    def client(**options: Any) -> Client:
        return Client(network=network.transport(), **options)

    monkeypatch.setattr(crawlers.http, "Client", client)
    return network


def write(workspace: Workspace, text: str) -> None:
    with workspace.config_path.open("a") as file:
        file.write(text)


def found(run: Run, workspace: Workspace, *options: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(run("doctor", "--format", "json", *options, workspace=workspace).stdout)
    return {row["name"]: row for row in rows}


@pytest.mark.usefixtures("network")
def test_when_everything_configured_can_be_used_it_exits_with_0(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workspace, "[providers.openai]\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    result = run("doctor", workspace=workspace)
    assert (result.exit_code, result.stderr) == (0, "all is ready\n")
    (line,) = [line for line in result.stdout.splitlines() if "api.openai.com" in line]
    assert line.split()[:3] == ["provider", "openai", "ready"]
    assert "keys_set OPENAI_API_KEY; price_known yes; status 404" in line


@pytest.mark.usefixtures("network")
def test_when_something_configured_lacks_a_key_it_exits_with_1_and_names_it(run: Run, workspace: Workspace) -> None:
    write(workspace, "[providers.openai]\n")
    result = run("doctor", workspace=workspace)
    assert (result.exit_code, result.stderr) == (1, "1 not ready: openai\n")
    assert "set OPENAI_API_KEY in the environment" in result.stdout


def test_a_provider_that_gives_no_reply_counts_only_where_it_is_configured(
    run: Run, workspace: Workspace, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.replies = [httpx.ConnectError("no route")]
    assert run("doctor", workspace=workspace).exit_code == 0
    write(workspace, "[providers.openai]\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert run("doctor", workspace=workspace).exit_code == 1
    assert "no route" in found(run, workspace)["openai"]["to_do"][0]


def test_offline_it_reaches_for_nobody(run: Run, workspace: Workspace, network: Network) -> None:
    rows = found(run, workspace, "--offline")
    assert rows["openai"]["facts"]["status"] is None
    assert not network.sent


def test_each_provider_is_sent_one_request_without_a_key(
    run: Run, workspace: Workspace, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in KEYS:
        monkeypatch.setenv(key, "sk-distinct")
    run("doctor", workspace=workspace)
    assert {request.method for request in network.sent} == {"GET"}
    assert len(network.sent) == len({request.url for request in network.sent})
    assert len(network.sent) == len([1 for engine in plugins.engines().values() if engine.asking])
    sent = [value for request in network.sent for value in (str(request.url), *request.headers.values())]
    assert not [value for value in sent if "sk-distinct" in value]


@pytest.mark.usefixtures("network")
def test_store_archive_and_schedule_are_told_of_when_they_are_there(run: Run, workspace: Workspace) -> None:
    write(workspace, '[schedule.weekly]\ncron = "0 6 * * 1"\n')
    with open_store(workspace.store_path):
        pass
    ArchivedRun(workspace.archive_path, "crawl").close()
    rows = found(run, workspace)
    assert rows["flywheel.duckdb"]["facts"]["captures"] == 0
    assert rows["archive"]["facts"]["runs"] == 1
    assert rows["weekly"]["facts"]["next_slot"].endswith("T06:00:00")
    assert rows["published.duckdb"]["state"] == "not used"
    assert rows["workspace"]["facts"]["bytes_free"] > 0


@pytest.mark.usefixtures("network")
def test_looking_makes_no_file(run: Run, workspace: Workspace) -> None:
    write(workspace, '[providers.openai]\n[schedule.weekly]\ncron = "0 6 * * 1"\n')
    run("doctor", workspace=workspace)
    assert [file.name for file in workspace.root.iterdir()] == ["geo-flywheel.toml"]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("fails", [False, True])
def test_no_secret_stands_in_its_output(
    run: Run, workspace: Workspace, network: Network, monkeypatch: pytest.MonkeyPatch, format_: str, *, fails: bool
) -> None:
    secrets = {key: f"s3cret/{key.lower()}+distinct" for key in KEYS}
    for key, secret in secrets.items():
        monkeypatch.setenv(key, secret)
    told = " ".join(secrets.values())
    network.replies = [httpx.ConnectError(told) if fails else httpx.Response(401, text=told, headers={"x-told": "a"})]
    misplaced = secrets["XAI_API_KEY"]
    tables = [f"[providers.{name}]\n" for name, engine in plugins.engines().items() if engine.asking and name != "xai"]
    write(
        workspace,
        f'{"".join(tables)}[providers.xai]\nurl = "https://proxy.example/{misplaced}"\nmodel = "{misplaced}"\n',
    )
    result = run("doctor", "--format", format_, workspace=workspace)
    assert "XAI_API_KEY" in result.stdout
    assert "proxy.example" in result.stdout
    for secret in secrets.values():
        assert secret not in result.output
        assert secret.partition("/")[2] not in result.output


def test_outside_a_workspace_it_says_how_to_make_one(run: Run, tmp_path: Path) -> None:
    result = run("--workspace", tmp_path, "doctor", "--offline")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "geo-flywheel init" in result.stderr
