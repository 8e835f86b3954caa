"""JSON Schemas of files that a person or another program writes or reads."""

from collections.abc import Callable
from typing import Any

from overthink.errors import InputError
from overthink.governance.deployment.policy import policy_json_schema
from overthink.governance.statement.schema import statement_json_schema
from overthink.workflows import arguments as arg
from overthink.workflows.run_options import RunOptions


def run_schema() -> dict[str, Any]:
    """Return the schema of a TOML file with the options of a run."""
    schema = RunOptions.model_json_schema()
    description = "Options of `overthink run --config FILE` and `overthink.experiment(config=FILE)`."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Overthink run",
        "description": description,
    }


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "run": run_schema,
    "statement": statement_json_schema,
    "policy": policy_json_schema,
}
"""Schemas by name."""


@arg.checked(name=arg.a(str))
def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file.

    Args:
        name: "run", the TOML file of `overthink run --config`, "statement", a statement.json, or "policy", the
            policy of a gateway.

    Raises:
        InputError: There is no schema of that name.

    Example:
        >>> schema("run")["properties"]["draws"]["default"]
        4
    """
    if name not in SCHEMAS:
        raise InputError(f"there is no schema {name!r}; needed: one of {', '.join(SCHEMAS)}")
    return SCHEMAS[name]()
