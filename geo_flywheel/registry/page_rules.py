"""What the filters of open training corpora ask of a page's text, from `data/page_rules.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache

from geo_flywheel import shipped


@dataclass(frozen=True, slots=True)
class Limit:
    """What one rule allows.

    Attributes:
        low: Least value that passes, None where there is none; high: the greatest.
    """

    low: float | None = None
    high: float | None = None

    def allows(self, value: float) -> bool:
        """Return whether a value passes."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@cache
def page_rules() -> dict[str, dict[str, Limit]]:
    """Return the limit of each rule, by rule set and rule, both in the order of the file."""
    listed = tomllib.loads((shipped.folder("data") / "page_rules.toml").read_text("utf-8"))["rule_set"]
    return {
        entry["name"]: {rule["name"]: Limit(rule.get("low"), rule.get("high")) for rule in entry["rules"]}
        for entry in listed
    }
