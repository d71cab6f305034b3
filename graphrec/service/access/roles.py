"""Who may ask what: roles of keys and tokens, and one table of endpoint and role."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["service", "adviser", "analyst", "campaign", "auditor", "compliance", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

#: Which roles each operation of the API (its `operationId`) is open to; other roles get 403. An operation that is not
#: here is open to all, and says nothing of the bank: health, the OpenAPI text. `adviser` sees own customers alone.
ALLOWED: dict[str, frozenset[Role]] = {
    "recommendations": frozenset({"service", "adviser", "auditor", "compliance", "admin"}),
    "recommendations_of_many": frozenset({"service", "campaign", "compliance", "admin"}),
    "explanation": frozenset({"service", "adviser", "auditor", "compliance", "admin"}),
    "why_not": frozenset({"service", "adviser", "auditor", "compliance", "admin"}),
    "statement": frozenset({"adviser", "compliance", "admin"}),
    "decide": frozenset({"adviser", "compliance"}),
    "portrait": frozenset({"service", "adviser", "auditor", "compliance", "admin"}),
    "portfolio": frozenset({"service", "adviser", "auditor", "compliance", "admin"}),
    "loan_plans": frozenset({"service", "adviser", "compliance", "admin"}),
    "contests": frozenset({"adviser", "auditor", "compliance", "admin"}),
    "contest": frozenset({"adviser", "compliance"}),
    "audience": frozenset({"adviser", "analyst", "campaign", "compliance", "admin"}),
    "ask": frozenset({"service", "adviser", "analyst", "auditor", "compliance", "admin"}),
    "search": frozenset({"adviser", "analyst", "auditor", "compliance", "admin"}),
    "events": frozenset({"service", "compliance", "admin"}),
    "records": frozenset({"auditor", "compliance", "admin"}),
    "record": frozenset({"adviser", "auditor", "compliance", "admin"}),
    "replay_record": frozenset({"auditor", "compliance", "admin"}),
    "alerts": frozenset({"auditor", "compliance", "admin"}),
    "set_alert": frozenset({"compliance"}),
    "models": frozenset({"analyst", "auditor", "compliance", "admin"}),
    "promote_model": frozenset({"admin"}),
    "roll_back_model": frozenset({"admin"}),
    "follow_models": frozenset({"admin"}),
    "set_standing": frozenset({"compliance", "admin"}),
    "model_card": frozenset({"analyst", "auditor", "compliance", "admin"}),
    "monitor": frozenset({"analyst", "auditor", "compliance", "admin"}),
    "outcomes": frozenset({"analyst", "campaign", "auditor", "compliance", "admin"}),
    "experiments": frozenset({"analyst", "campaign", "auditor", "compliance", "admin"}),
    "campaigns": frozenset({"adviser", "campaign", "auditor", "compliance", "admin"}),
    "plan_campaign": frozenset({"campaign", "compliance", "admin"}),
    "campaign": frozenset({"campaign", "auditor", "compliance", "admin"}),
    "campaign_contacts": frozenset({"adviser", "campaign", "auditor", "compliance", "admin"}),
    "campaign_report": frozenset({"campaign", "auditor", "compliance", "admin"}),
    "metrics": frozenset({"auditor", "compliance", "admin"}),
}
#: What the page alone offers, in the same form. All else on it goes by the operation of the API.
ON_PAGE: dict[str, frozenset[Role]] = {
    "feedback": frozenset({"adviser", "compliance", "admin"}),
    "product": frozenset({"adviser", "analyst", "campaign", "auditor", "compliance", "admin"}),
    "policy": frozenset({"analyst", "auditor", "compliance", "admin"}),
    "what_if": frozenset({"auditor", "compliance"}),
    "verify_record": frozenset({"auditor", "compliance", "admin"}),
}
#: The roles that read entries of the decision record with their numbers.
WHOLE_RECORD: frozenset[Role] = frozenset({"auditor", "compliance"})


@dataclass(frozen=True)
class Caller:
    """Who asks: the key or the token's subject, its role, and for an adviser whose customers are theirs."""

    id: str
    role: Role
    adviser: str | None = None
    """The adviser's id, as the column that the mapping names with `adviser` holds it."""

    def may(self, operation: str) -> bool:
        """Whether the role is allowed an operation."""
        return self.role in (ALLOWED.get(operation) or ON_PAGE.get(operation, frozenset()))


#: On a machine of its own, without any key: the owner of the home asks.
OWNER = Caller("owner", "compliance")
