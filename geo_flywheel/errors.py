"""Every error this program raises on purpose, in one tree.

    GeoFlywheelError
    ├── ConfigError          the configuration or the command line is wrong       exit code 2
    ├── CrawlError           something outside did not give what was asked        exit code 1
    │   ├── Refused          the other side said no, and will say it again
    │   ├── Throttled        the other side said: later
    │   ├── NoReply          the other side said nothing
    │   ├── BudgetSpent      the money set aside is gone
    │   └── Unreadable       bytes that are not what they were said to be
    ├── StoreError           the database or the archive cannot do what is asked  exit code 1
    │   └── MigrationError   the schema of the file and of the program differ
    ├── ReportError          a report or a statement of the user's cannot run     exit code 2
    └── EstimateError        the numbers do not carry the estimate                exit code 1
        ├── NotIdentified    the data cannot tell, however they are computed
        └── NotConverged     the computation did not settle

A message says what happened, where, and what to do next.
"""


class GeoFlywheelError(Exception):
    """Base of every expected failure; anything else is a bug."""

    exit_code = 1


class ConfigError(GeoFlywheelError):
    """The configuration or the command line is wrong."""

    exit_code = 2


class CrawlError(GeoFlywheelError):
    """Something outside did not give what was asked."""


class Refused(CrawlError):
    """The other side refused, and asking again will not help."""


class Throttled(CrawlError):
    """The other side asks for patience."""


class NoReply(CrawlError):
    """No reply came.

    Attributes:
        unanswered: Attempts that may have been billed all the same.
    """

    def __init__(self, message: str, unanswered: int = 0) -> None:
        super().__init__(message)
        self.unanswered = unanswered


class BudgetSpent(CrawlError):
    """The money set aside for asking is spent."""


class Unreadable(CrawlError):
    """Bytes that are not what they were said to be."""


class StoreError(GeoFlywheelError):
    """The database or the archive cannot do what is asked."""


class MigrationError(StoreError):
    """The schema of the file and the schema of the program differ."""


class ReportError(GeoFlywheelError):
    """A report, or a statement of the user's own, cannot be run."""

    exit_code = 2


class EstimateError(GeoFlywheelError):
    """The numbers at hand do not carry the estimate."""


class NotIdentified(EstimateError):
    """The data cannot tell, however they are computed."""


class NotConverged(EstimateError):
    """The computation did not settle."""
