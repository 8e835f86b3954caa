"""Values of options and arguments that a shell completes: names that are quick to look up."""

AXES = ("capability", "safety", "benign")
HIGH_WORDS = ("correct", "wrong", "safe", "harm", "answered", "refused")
"""What a high score may mean; a test compares them with those that are read."""

VIEWS = ("cot", "action", "both", "extracted")
"""What a monitor may read of a trace; a test compares them with those that are read."""


def axes() -> list[str]:
    """Return what a task may measure."""
    return list(AXES)


def high_words() -> list[str]:
    """Return what a high score may mean."""
    return list(HIGH_WORDS)


def chart_formats() -> list[str]:
    """Return the formats of a report and its charts."""
    return ["html", "svg", "png", "pdf"]


def weights() -> list[str]:
    """Return the names of models that run in this process, installed or in the registry."""
    from overthink.collect.providers.embedded.installed import known_names

    return [*known_names(), "simulated"]


def models() -> list[str]:
    """Return the same as models: ``overthink/NAME``."""
    return [f"overthink/{name}" for name in weights()]


def instruments() -> list[str]:
    """Return the ids of laws and policies with a threshold."""
    from overthink.governance.thresholds import registry

    return [row.id for row in registry.instruments()]


def verifiers() -> list[str]:
    """Return the names of the built-in verifiers."""
    from overthink.collect.arms.verifiers.registry import VERIFIERS

    return list(VERIFIERS)


def monitors() -> list[str]:
    """Return the names of the built-in monitors."""
    from overthink.collect.monitors.registry import MONITORS

    return list(MONITORS)


def views() -> list[str]:
    """Return what a monitor may read of a trace."""
    return list(VIEWS)


def perturbations() -> list[str]:
    """Return the names of the built-in perturbations."""
    from overthink.collect.perturbations.registry import PERTURBATIONS

    return list(PERTURBATIONS)
