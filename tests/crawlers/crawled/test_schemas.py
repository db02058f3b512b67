"""The columns that are read, against the schemas that Common Crawl publishes."""

import orjson

from crawlers.corpora import common_crawl_columnar, common_crawl_hosts
from crawlers.crawled.parquet_rows import DOMAIN, TLD
from tests.real_data import folder


def names(file: str) -> set[str]:
    return {field["name"] for field in orjson.loads((folder("formats") / file).read_bytes())["fields"]}


def test_the_columnar_index_has_every_column_that_is_read() -> None:
    assert {TLD, DOMAIN, *common_crawl_columnar._COLUMNS} <= names("cc-index-schema-flat.json")


def test_the_host_index_has_every_column_that_is_read() -> None:
    assert {TLD, DOMAIN, *common_crawl_hosts._COLUMNS} <= names("cc-host-index-schema.json")
