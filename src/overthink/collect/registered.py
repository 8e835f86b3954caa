"""Models and tasks registered with Inspect under the name `overthink`."""

from overthink.collect import tasks
from overthink.collect.models import overthink

__all__ = ["overthink", "tasks"]
