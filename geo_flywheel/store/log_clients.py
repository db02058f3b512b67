"""Who stands behind the lines of a log: every User-Agent line, referrer and claim is asked about once, then joined."""

import pyarrow as pa

from geo_flywheel.records import Visitors
from geo_flywheel.store.database import Store

# An assistant's own requests, and those of any program, are no person's, whatever referrer or utm_source they bear.
_VISITING = """
SELECT c.line, c.line_key, c.happened_at, c.host, c.path, c.method, c.status, c.bytes, c.utm_source,
    'https://' || c.host || c.path AS raw_url,
    a.agent, coalesce(a.operator, s.operator, u.operator) AS operator, a.purpose,
    CASE WHEN a.agent IS NULL THEN coalesce(s.assistant, u.assistant) END AS assistant,
    CASE WHEN a.agent IS NULL THEN CASE WHEN s.assistant IS NOT NULL THEN 'referrer' ELSE 'utm' END END AS attribution,
    CASE WHEN a.agent IS NOT NULL THEN c.address END AS address,
    CASE WHEN a.agent IS NOT NULL THEN c.forwarded END AS forwarded
FROM chunk AS c
LEFT JOIN known_agent AS a ON a.user_agent = c.agent
LEFT JOIN known_sender AS s ON s.host = split_part(c.referrer, '/', 3)
    AND starts_with(c.referrer, split_part(c.referrer, '/', 1) || '//' || s.host || s.path)
LEFT JOIN known_campaign AS u ON u.utm_source = c.utm_source
WHERE c.agent IS NOT NULL AND (a.agent IS NOT NULL
    OR (NOT a.is_machine AND (s.assistant IS NOT NULL OR u.assistant IS NOT NULL)))
"""


class Known:
    """What is known so far of those who stand behind the lines of one log."""

    visiting = _VISITING

    def __init__(self, store: Store, visitors: Visitors) -> None:
        """Begin with nothing known."""
        self._store = store
        self._visitors = visitors
        run = store.connection.execute
        run(
            "CREATE OR REPLACE TEMP TABLE known_agent (user_agent VARCHAR, agent VARCHAR, operator VARCHAR,"
            " purpose VARCHAR, is_machine BOOLEAN)"
        )
        run("CREATE OR REPLACE TEMP TABLE known_host (host VARCHAR)")
        run(
            "CREATE OR REPLACE TEMP TABLE known_sender"
            " (host VARCHAR, path VARCHAR, assistant VARCHAR, operator VARCHAR)"
        )
        run("CREATE OR REPLACE TEMP TABLE known_campaign (utm_source VARCHAR, assistant VARCHAR, operator VARCHAR)")

    def learn(self) -> None:
        """Ask about what is new in the relation `chunk`."""
        agents = self._new("agent", "known_agent", "user_agent")
        told = self._visitors.clients(agents)
        self._add(
            "known_agent", user_agent=agents, agent=[c.agent for c in told], operator=[c.operator for c in told],
            purpose=[c.purpose for c in told], is_machine=pa.array([c.is_machine for c in told], pa.bool_()),
        )  # fmt: skip
        hosts = self._new("split_part(referrer, '/', 3)", "known_host", "host")
        self._add("known_host", host=hosts)
        found = [
            (host, sender)
            for host, senders in zip(hosts, self._visitors.senders(hosts), strict=True)
            for sender in senders
        ]
        self._add(
            "known_sender", host=[host for host, _ in found], path=[sender.path for _, sender in found],
            assistant=[sender.assistant for _, sender in found], operator=[sender.operator for _, sender in found],
        )  # fmt: skip
        sources = self._new("utm_source", "known_campaign", "utm_source")
        campaigns = self._visitors.campaigns(sources)
        self._add(
            "known_campaign", utm_source=sources, assistant=[c and c.assistant for c in campaigns],
            operator=[c and c.operator for c in campaigns],
        )  # fmt: skip

    def proven(self) -> pa.Table:
        """Return what the addresses of the relation `visiting` prove of the agents they claim to be."""
        claims = self._store.rows("SELECT DISTINCT agent, address, forwarded FROM visiting WHERE agent IS NOT NULL")
        proofs = self._visitors.proofs(claims)
        return pa.table(
            {
                "agent": pa.array([agent for agent, _, _ in claims], pa.string()),
                "address": pa.array([address for _, address, _ in claims], pa.string()),
                "forwarded": pa.array([forwarded for _, _, forwarded in claims], pa.string()),
                "verification": pa.array([proof.verification for proof in proofs], pa.string()),
                "as_of": pa.array([proof.as_of for proof in proofs], pa.date32()),
            }
        )

    def _new(self, column: str, table: str, name: str) -> list[str]:
        found = self._store.rows(
            f"SELECT DISTINCT {column} AS found FROM chunk WHERE {column} IS NOT NULL AND {column} <> ''"
            f" EXCEPT SELECT {name} FROM {table}"
        )
        return [value for (value,) in found]

    def _add(self, table: str, **columns: "list[str] | list[str | None] | pa.Array[pa.BooleanScalar]") -> None:
        rows = pa.table({name: pa.array(column) if len(column) else [] for name, column in columns.items()})
        if rows.num_rows:
            with self._store.staged("learned", rows):
                self._store.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM learned")
