"""The numbers that stand for prompts and pages in the rows: each prompt and each spelling of an address once."""

from collections.abc import Iterable

import pyarrow as pa

from geo_flywheel import urls
from geo_flywheel.records import Prompt
from geo_flywheel.store.database import Store


def number_links(store: Store, staged: str) -> None:
    """Make sure that every address in a staged relation has its link and page.

    Args:
        store: Inside a transaction.
        staged: Relation with the columns raw_url (nulls passed over) and domain (named by the engine, may be null).
    """
    new = store.table(
        f"SELECT raw_url, min(domain) AS domain FROM {staged} AS s WHERE raw_url IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM link AS l WHERE l.raw_url = s.raw_url AND l.url_rules = ?)"
        " GROUP BY raw_url ORDER BY raw_url",
        [urls.version()],
    )
    if new.num_rows:
        with store.staged("new_link", _resolve(new.column("raw_url").to_pylist(), new.column("domain").to_pylist())):
            _insert_links(store)


def _resolve(raw_urls: list[str], domains: list[str | None]) -> pa.Table:
    """Canonical page of each address; a redirect nobody followed belongs to the domain the engine named, or to none."""
    pages = [urls.canonical(raw_url) for raw_url in raw_urls]
    places = [_place(page, domain) for page, domain in zip(pages, domains, strict=True)]
    return pa.table(
        {
            "raw_url": pa.array(raw_urls, pa.string()),
            "url": pa.array([page.url for page in pages], pa.string()),
            "resolved": pa.array([page.resolved for page in pages], pa.bool_()),
            "site": pa.array([site for site, _ in places], pa.string()),
            "site_key": pa.array([key for _, key in places], pa.string()),
        }
    )


def _place(page: urls.Page, domain: str | None) -> tuple[str, str]:
    if page.resolved:
        return urls.site(page.url), urls.site_key(page.url)
    named = f"https://{domain}/" if domain else ""
    return urls.site(named), urls.site_key(named)


def _insert_links(store: Store) -> None:
    """From new_link: pages not met before, then the links."""
    run = store.connection.execute
    run(
        "INSERT INTO page SELECT (SELECT coalesce(max(page_no), 0) FROM page) + row_number() OVER (ORDER BY url),"
        " url, min(site), min(site_key), bool_and(resolved) FROM new_link AS n"
        " WHERE NOT EXISTS (SELECT 1 FROM page AS p WHERE p.url = n.url) GROUP BY url"
    )
    run(
        "INSERT INTO link SELECT (SELECT coalesce(max(link_no), 0) FROM link) + row_number() OVER (ORDER BY n.raw_url),"
        " n.raw_url, ?, p.page_no FROM new_link AS n JOIN page AS p ON p.url = n.url",
        [urls.version()],
    )


def number_prompts(store: Store, prompts: Iterable[Prompt]) -> dict[str, int]:
    """Return the number of each prompt by its id, new ones added in the order given; the first topic met stays."""
    by_id: dict[str, Prompt] = {}
    for prompt in prompts:
        by_id.setdefault(prompt.id, prompt)
    rows = pa.table(
        {
            "ordinal": pa.array(range(len(by_id)), pa.int32()),
            "prompt_id": pa.array(by_id, pa.string()),
            **{
                name: pa.array([getattr(prompt, name) for prompt in by_id.values()], pa.string())
                for name in ("text", "topic", "locale", "persona", "location")
            },
        }
    )
    with store.staged("new_prompt", rows):
        store.connection.execute(
            "INSERT INTO prompt SELECT (SELECT coalesce(max(prompt_no), 0) FROM prompt)"
            " + row_number() OVER (ORDER BY ordinal), prompt_id, text, topic, locale, persona, location FROM new_prompt"
            " WHERE prompt_id NOT IN (SELECT prompt_id FROM prompt)"
        )
        known = store.rows(
            "SELECT prompt_id, prompt_no FROM prompt WHERE prompt_id IN (SELECT prompt_id FROM new_prompt)"
        )
    return {str(prompt_id): int(number) for prompt_id, number in known}
