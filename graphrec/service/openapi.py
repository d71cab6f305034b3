"""The OpenAPI text of the service: what FastAPI says of its paths, with an example of every parameter and body.

The examples are of the demo bank (`graphrec demo`): there they run as they stand.
"""

from typing import Any

from fastapi import FastAPI

USER, PRODUCT = "C000004", "P00055"
#: A product that this customer has.
HELD = "P00110"
#: Values of parameters, by name.
PARAMETERS: dict[str, Any] = {
    "user": USER,
    "product": PRODUCT,
    "k": 3,
    "language": "de",
    "record": False,
    "where": "user.segment == 'everyday'",
    "q": "craft",
    "last": 5,
    "number": 1,
    "as_of": "2026-01-01",
    "campaign": "spring",
    "channel": "mail",
    "skip": 0,
    "alert": "3f2a9c0d11ab",
    "state": "open",
    "amount": 5000,
    "replaces": "P00006",
    "candidate": PRODUCT,
    "purpose": "car",
}
#: Parameters that are left out of an example where nothing needs them.
SELDOM = {"as_of", "candidate", "channel", "language", "replaces", "where"}
CAMPAIGN = f'''name = "spring"
products = ["{PRODUCT}"]
budget_eur = 500
[[channel]]
name = "mail"
cost_eur = 0.7
'''
#: Bodies, by operation.
BODIES: dict[str, Any] = {
    "recommendations_of_many": {"users": [USER], "k": 3, "record": False},
    "plan_campaign": {"toml": CAMPAIGN},
    "ask": {"question": "Why is P00055 recommended?", "user": USER, "record": False},
    "set_alert": {"state": "acknowledged"},
    "contest": {"edge": "BOUGHT", "of": HELD, "ground": "not-relevant", "why": "it was a present"},
    "set_standing": {"step": "validate", "reason": "metrics and gaps looked at"},
    "decide": {"outcome": "accepted", "why": "as discussed"},
}


def add_examples(app: FastAPI) -> None:
    """Put the examples into the text that the application gives."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            text = plain()
            for path in text["paths"].values():
                for operation in path.values():
                    _describe(operation)
            app.openapi_schema = text
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _describe(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path" and name == "model":
            parameter["example"] = "blend-final"
        elif name in PARAMETERS:
            parameter["example"] = PARAMETERS[name]
    if operation["operationId"] in BODIES:
        operation["requestBody"]["content"]["application/json"]["example"] = BODIES[operation["operationId"]]
