"""The errors of graphrec: one tree, one exit code each.

Every message is one line: what was wrong, the value, where, the rule, the next command.
"""


class GraphrecError(Exception):
    """Base of all errors a caller may see; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(GraphrecError):
    """The command was called with arguments that do not fit together."""

    exit_code = 2


class SettingsError(GraphrecError):
    """graphrec.toml, an environment variable or the home folder is not usable."""

    exit_code = 3


class Unwritable(SettingsError):
    """A folder is full, read-only, or may not be written; `reason` is the system's own word for it."""

    def __init__(self, line: str, reason: str) -> None:
        super().__init__(line)
        self.reason = reason


class SourceError(GraphrecError):
    """A mapping or a source file is not usable."""

    exit_code = 3


class RejectedRows(SourceError):
    """More rows were rejected than the load allows."""


class TooManyRemoved(SourceError):
    """A full load would remove more of what it brought earlier than it may."""


class PolicyError(GraphrecError):
    """A policy cannot be read, or does not fit the columns of the graph."""

    exit_code = 3


class NoPolicy(PolicyError):
    """A home has no policy, and the request does not say that it goes without one."""


class MissingRules(PolicyError):
    """A final model that was in force in this home is gone."""


class ExperimentError(GraphrecError):
    """experiments.toml cannot be read, or names no experiment of that name."""

    exit_code = 3


class NoSupport(GraphrecError):
    """What was logged cannot say what was asked."""

    exit_code = 3


class NotApproved(GraphrecError):
    """A model may not be made live: it is retired, has no approval, or does not keep a bound of the mapping."""

    exit_code = 3


class NotAllowed(GraphrecError):
    """The role of a key does not allow it."""

    exit_code = 3


class UnknownId(GraphrecError):
    """A user, product or query of that name is not there; the message names the nearest ones."""

    exit_code = 3


class LegalHold(GraphrecError):
    """Nothing of a person may be removed for now."""

    exit_code = 3


class NotSuitable(GraphrecError):
    """A statement may not be handed over: the policy, a bound of the customer, or what is not recorded."""

    exit_code = 3


class EventRefused(GraphrecError):
    """An event cannot be counted; `kind` says why in one word."""

    exit_code = 3

    def __init__(self, kind: str, line: str) -> None:
        super().__init__(line)
        self.kind = kind


class StoreError(GraphrecError):
    """The store cannot be used."""

    exit_code = 4


class Unreachable(StoreError):
    """The store does not answer, or another process holds it."""


class NotAuthorised(StoreError):
    """The store refuses the name, the password or the right."""


class SchemaOutdated(StoreError):
    """The store or the home was written by another version of graphrec."""


class QueryError(StoreError):
    """The store refuses a statement; the message is the store's own with its position."""


class DeliveryError(GraphrecError):
    """Lists could not be delivered, or not all of them."""

    exit_code = 4


class ModelError(GraphrecError):
    """A model or a snapshot cannot be used."""

    exit_code = 5


class NothingToLearn(ModelError):
    """The graph has nothing that a model of its kind learns from; other models may still do."""


class NotTrained(ModelError):
    """There is no model or no snapshot yet."""


class CheckpointMismatch(ModelError):
    """A model belongs to another snapshot; the message names both hashes."""


class Damaged(ModelError):
    """A file of a snapshot or a model is not the file that was written; the message names it and what restores it."""


class StaleFacts(ModelError):
    """The facts are older than the store, or than the settings allow."""


class RecordError(GraphrecError):
    """The decision record is damaged, or a replay does not give the same bytes."""

    exit_code = 6


class MissingExtra(GraphrecError):
    """A package that one of the extras brings is not installed; the message names the extra."""

    exit_code = 2


class LimitPassed(GraphrecError):
    """What was measured is beyond a limit that is an alarm; all of it is printed before."""

    exit_code = 7
