"""The numbers that stand in rows for what many have in common: prompts, spellings of an address, kinds of visits."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.records import Prompt
from geo_flywheel.store.database import Store

_LINKS = "SELECT raw_url, domain, link_no, page_no FROM link WHERE url_rules = ?"


class Who(NamedTuple):
    """By whom something was asked for, in the words of the table `visit_kind`."""

    agent: str | None = None
    operator: str | None = None
    purpose: str | None = None
    verification: str | None = None
    assistant: str | None = None
    attribution: str | None = None


class VisitKind(NamedTuple):
    """How something was asked for, by whom, and the source it named."""

    method: str
    who: Who
    utm_source: str | None = None


def texts(values: Iterable[str | None]) -> "pa.Array[pa.StringScalar]":
    """Return a column of text; halves of characters, which UTF-8 cannot hold, become question marks."""
    return pa.array([None if value is None else storable(value) for value in values], pa.string())


def storable(text: str) -> str:
    """Return text that UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def number_links(store: Store, staged: str) -> pa.Table:
    """Make sure that every address in a staged relation has its link and page.

    Args:
        store: Inside a transaction.
        staged: Relation with the columns raw_url (nulls passed over) and domain (named by the engine, may be null).

    Returns:
        raw_url, domain, link_no and page_no of each address, once.
    """
    named = store.table(
        f"SELECT DISTINCT raw_url, coalesce(domain, '') AS domain FROM {staged} WHERE raw_url IS NOT NULL"
    )
    with store.staged("named", named):
        new = store.table(f"SELECT * FROM named ANTI JOIN ({_LINKS}) USING (raw_url, domain)", [urls.version()])
        if new.num_rows:
            resolved = _resolve(new.column("raw_url").to_pylist(), new.column("domain").to_pylist())
            with store.staged("new_link", resolved):
                _insert_links(store)
        return store.table(f"SELECT * FROM named JOIN ({_LINKS}) USING (raw_url, domain)", [urls.version()])


def _resolve(raw_urls: list[str], domains: list[str]) -> pa.Table:
    """Canonical page of each address; a redirect nobody followed belongs to the domain the engine named, or to none."""
    pages = [urls.canonical(raw_url) for raw_url in raw_urls]
    places = [_place(page, domain) for page, domain in zip(pages, domains, strict=True)]
    return pa.table(
        {
            "raw_url": pa.array(raw_urls, pa.string()),
            "domain": pa.array(domains, pa.string()),
            "url": texts(page.url for page in pages),
            "resolved": pa.array([page.resolved for page in pages], pa.bool_()),
            "site": texts(site for site, _ in places),
            "site_key": texts(key for _, key in places),
        }
    )


def _place(page: urls.Page, domain: str) -> tuple[str, str]:
    if page.resolved:
        return urls.site(page.url), urls.site_key(page.url)
    named = f"https://{domain}/" if domain else ""
    return urls.site(named), urls.site_key(named)


def _insert_links(store: Store) -> None:
    """From new_link: pages not met before, then the links. What the rules say of a page is part of what it is."""
    run = store.connection.execute
    run(
        "INSERT INTO page SELECT (SELECT coalesce(max(page_no), 0) FROM page) + row_number() OVER (ORDER BY url, site),"
        " url, site, site_key, resolved FROM (SELECT DISTINCT url, site, site_key, resolved FROM new_link)"
        " ANTI JOIN page USING (url, site, site_key, resolved)"
    )
    run(
        "INSERT INTO link SELECT (SELECT coalesce(max(link_no), 0) FROM link)"
        " + row_number() OVER (ORDER BY raw_url, domain), raw_url, ?, page_no, domain"
        " FROM new_link JOIN page USING (url, site, site_key, resolved)",
        [urls.version()],
    )


def number_prompts(store: Store, prompts: Iterable[Prompt]) -> dict[str, int]:
    """Return the number of each prompt by its id, new ones added in the order given."""
    by_id = {prompt.id: prompt for prompt in prompts}
    if not by_id:
        return {}
    named = ("text", "locale", "persona", "location")
    rows = pa.table(
        {
            "ordinal": pa.array(range(len(by_id)), pa.int32()),
            "prompt_id": pa.array(by_id, pa.string()),
            **{name: texts(getattr(prompt, name) for prompt in by_id.values()) for name in named},
        }
    )
    with store.staged("new_prompt", rows):
        store.connection.execute(
            "INSERT INTO prompt SELECT (SELECT coalesce(max(prompt_no), 0) FROM prompt)"
            f" + row_number() OVER (ORDER BY ordinal), prompt_id, {', '.join(named)} FROM new_prompt"
            " WHERE prompt_id NOT IN (SELECT prompt_id FROM prompt)"
        )
        known = store.rows("SELECT prompt_id, prompt_no FROM prompt JOIN new_prompt USING (prompt_id)")
    return {str(prompt_id): int(number) for prompt_id, number in known}


def number_log_pages(store: Store, pages: Sequence[tuple[str, str]]) -> list[int]:
    """Return the number of each page of a log, adding those that are new.

    Args:
        store: Inside a transaction.
        pages: Host and path of each, no two alike.
    """
    hosts, paths = zip(*pages, strict=True)
    named = {
        "ordinal": pa.array(range(len(pages)), pa.int32()),
        "host": pa.array(hosts, pa.string()),
        "path": pa.array(paths, pa.string()),
        "raw_url": pa.array([f"https://{host}{path}" for host, path in pages], pa.string()),
        "domain": pa.nulls(len(pages), pa.string()),
    }
    with store.staged("asked_page", pa.table(named)), store.staged("linked", number_links(store, "asked_page")):
        store.connection.execute(
            "INSERT INTO log_page SELECT (SELECT coalesce(max(log_page_no), 0) FROM log_page)"
            " + row_number() OVER (ORDER BY host, path), host, path, page_no, link_no"
            " FROM asked_page JOIN linked USING (raw_url) ANTI JOIN log_page USING (host, path, link_no)"
        )
        found = store.rows(
            "SELECT log_page_no FROM asked_page JOIN linked USING (raw_url) JOIN log_page USING (host, path, link_no)"
            " ORDER BY ordinal"
        )
    return [number for (number,) in found]


def number_visit_kinds(store: Store, kinds: Sequence[VisitKind]) -> list[int]:
    """Return the number of each kind of visits, adding those that are new.

    Args:
        store: Inside a transaction.
        kinds: No two alike.
    """
    columns = zip(*((kind.method, *kind.who, kind.utm_source) for kind in kinds), strict=True)
    fields = ("method", *Who._fields, "utm_source")
    named = {name: pa.array(values, pa.string()) for name, values in zip(fields, columns, strict=True)}
    names, same = ", ".join(named), " AND ".join(f"a.{name} IS NOT DISTINCT FROM k.{name}" for name in named)
    with store.staged("asked_kind", pa.table({"ordinal": pa.array(range(len(kinds)), pa.int32()), **named})):
        store.connection.execute(
            "INSERT INTO visit_kind SELECT (SELECT coalesce(max(kind_no), 0) FROM visit_kind)"
            f" + row_number() OVER (ORDER BY {names}), {names}"
            f" FROM (SELECT {names} FROM asked_kind EXCEPT SELECT {names} FROM visit_kind)"
        )
        found = store.rows(f"SELECT kind_no FROM asked_kind AS a JOIN visit_kind AS k ON {same} ORDER BY ordinal")
    return [number for (number,) in found]
