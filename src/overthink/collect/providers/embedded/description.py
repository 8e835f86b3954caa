"""What installed weights are, from the header of their file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from overthink.collect.model_info.gguf import gguf_shape
from overthink.collect.model_info.gguf_header import read_header
from overthink.collect.providers.embedded.installed import usable_path
from overthink.cost.model_shape import ModelShape
from overthink.paths import name_text


@dataclass(frozen=True, slots=True)
class WeightsDescription:
    """One model of this process.

    Attributes:
        name: The model is ``overthink/NAME``.
        path: Its weights.
        title: The model's name in the header.
        architecture: Architecture in the header.
        context: Context that it was trained for, in tokens; None if the header does not state it.
        has_template: Whether the header has a chat template.
        shape: Its shape.
    """

    name: str
    path: Path
    title: str | None
    architecture: str | None
    context: int | None
    has_template: bool
    shape: ModelShape

    def text(self) -> str:
        """Return the description as text; what the header does not state is "unknown"."""
        shape, per_token = self.shape, self.shape.cache_bytes_per_token
        heads = f"{_count(shape.heads)} query and {_count(shape.kv_heads)} key-value heads"
        heads += f", width {_count(shape.hidden_size)}"
        bits = None if shape.weight_bytes is None else f"{8 * shape.weight_bytes:.2f} bits each"
        return "\n".join(
            (
                f"overthink/{self.name}: {self.title or 'a model without a name'}",
                f"  {self.path}",
                f"  parameters     {_count(shape.parameters)}, {bits or 'of unknown size'}",
                f"  architecture   {self.architecture or 'unknown'}, {_count(shape.layers)} layers of {heads}",
                f"  vocabulary     {_count(shape.vocabulary)} tokens",
                f"  context        trained for {_count(self.context)} tokens; a run takes what its budgets need",
                f"  cache          {_count(per_token)} bytes per token of a trace",
                f"  chat template  {'in the file' if self.has_template else 'none: the model answers no chat'}",
            )
        )

    def json(self) -> str:
        """Return the description as JSON."""
        document = asdict(self) | {"model": f"overthink/{self.name}", "path": name_text(str(self.path))}
        document["cache_bytes_per_token"] = self.shape.cache_bytes_per_token
        return json.dumps(document, indent=2, ensure_ascii=False)


def describe_weights(name: str) -> WeightsDescription:
    """Return what installed weights are.

    Raises:
        InputError: None are installed under the name, or their file is damaged.
    """
    path = usable_path(name)
    values = read_header(path).values
    architecture, title = values.get("general.architecture"), values.get("general.name")
    context = values.get(f"{architecture}.context_length")
    return WeightsDescription(
        name=name,
        path=path,
        title=title if isinstance(title, str) else None,
        architecture=architecture if isinstance(architecture, str) else None,
        context=context if isinstance(context, int) else None,
        has_template="tokenizer.chat_template" in values,
        shape=gguf_shape(path).shape,
    )


def _count(number: float | None) -> str:
    return "unknown" if number is None else f"{number:,.0f}"
