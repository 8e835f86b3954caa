"""Compute and memory of generating tokens: FLOP with attention, KV cache, weights touched, the decode roofline.

A token costs 2·N for the weights it passes through and 4·L·n·d for attention over the n tokens before it (Kaplan et
al. 2020; the 2·N rule holds while d_model is far above n/12). For Llama 3 70B attention adds 19 % at 10,000 tokens and
187 % at 100,000, so 2·N alone misprices long reasoning.
"""

from dataclasses import dataclass

from overthink.governance.inputs import at_least_one, not_negative, positive, share


@dataclass(frozen=True, slots=True)
class Transformer:
    """Dimensions of a transformer that its inference cost depends on.

    Attributes:
        active_parameters: Parameters that a token passes through.
        layers: Layers; 0 leaves attention out.
        attention_width: Query heads times their width, usually d_model.
        kv_heads: Key-value heads.
        head_width: Width of a head.
    """

    active_parameters: float
    layers: float = 0.0
    attention_width: float = 0.0
    kv_heads: float = 0.0
    head_width: float = 0.0

    def __post_init__(self) -> None:
        positive(self.active_parameters, "active parameters")
        for name in ("layers", "attention_width", "kv_heads", "head_width"):
            not_negative(getattr(self, name), name.replace("_", " "))


def flop_per_token(model: Transformer, *, context_tokens: float) -> float:
    """Return the FLOP of one token after a context: 2·N + 4·L·n·d.

    Raises:
        InputError: The context is negative.

    Example:
        >>> llama = Transformer(70e9, layers=80, attention_width=8192)
        >>> round(flop_per_token(llama, context_tokens=100_000) / flop_per_token(llama, context_tokens=0), 2)
        2.87
    """
    attention = 4 * model.layers * not_negative(context_tokens, "context tokens") * model.attention_width
    return 2 * model.active_parameters + attention


def response_flop(model: Transformer, *, prompt_tokens: float, generated_tokens: float) -> float:
    """Return the FLOP of a whole response: every token once, each attending to all earlier tokens and itself.

    Summed over n tokens, 4·L·d·i adds up to 2·L·d·n·(n + 1).

    Raises:
        InputError: A number of tokens is negative.
    """
    tokens = not_negative(prompt_tokens, "prompt tokens") + not_negative(generated_tokens, "generated tokens")
    attention = 2 * model.layers * model.attention_width * tokens * (tokens + 1)
    return 2 * model.active_parameters * tokens + attention


def kv_bytes_per_token(model: Transformer, *, bytes_per_value: float = 2.0) -> float:
    """Return the bytes of KV cache per token: 2·L·heads·width·bytes. Latent and windowed attention need less.

    Raises:
        InputError: The bytes are not positive.

    Example:
        >>> kv_bytes_per_token(Transformer(70e9, layers=80, kv_heads=8, head_width=128))
        327680.0
    """
    return 2 * model.layers * model.kv_heads * model.head_width * positive(bytes_per_value, "bytes per value")


def weight_bytes_touched(batch: float, *, shared_bytes: float, expert_bytes: float, active_share: float) -> float:
    """Return the bytes of weights that one step of a batch reads from a mixture of experts; more for larger batches.

    Each sequence selects its experts independently, so a share 1 - (1 - a)^batch of them is read.

    Args:
        batch: Sequences decoded together.
        shared_bytes: Weights that every token passes through.
        expert_bytes: Weights of all experts.
        active_share: Share of the experts that a token uses; 1 for a dense model.

    Raises:
        InputError: An argument is out of its bounds.
    """
    expert_share: float = 1 - (1 - share(active_share, "active share")) ** at_least_one(batch, "batch")
    return not_negative(shared_bytes, "shared bytes") + not_negative(expert_bytes, "expert bytes") * expert_share


@dataclass(frozen=True, slots=True)
class Machine:
    """Decoding hardware: one chip, or the totals of a group of chips that shares the weights.

    Attributes:
        bytes_per_second: Memory bandwidth.
        peak_flop_per_second: Dense peak; infinite ignores the compute limit.
        utilisation: Share of the peak that decoding achieves.
    """

    bytes_per_second: float
    peak_flop_per_second: float = float("inf")
    utilisation: float = 1.0

    def __post_init__(self) -> None:
        positive(self.bytes_per_second, "bytes per second")
        share(self.utilisation, "utilisation")
        if not self.peak_flop_per_second > 0:
            positive(self.peak_flop_per_second, "peak FLOP per second")


def decode_tokens_per_second(
    machine: Machine, *, weight_bytes: float, token_flop: float = 0.0, kv_bytes: float = 0.0, batch: float = 1.0
) -> float:
    """Return tokens per second over the whole batch, by the roofline: the slower of reading memory and computing.

    Args:
        machine: The hardware.
        weight_bytes: Weights read per step.
        token_flop: FLOP per token.
        kv_bytes: Bytes of KV cache that one sequence reads per step (bytes per token times context).
        batch: Sequences decoded together; one user sees the result divided by this.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> round(decode_tokens_per_second(Machine(2.0e12), weight_bytes=35e9))
        57
    """
    read = positive(weight_bytes, "weight bytes") + at_least_one(batch, "batch") * not_negative(kv_bytes, "KV bytes")
    reading = read / machine.bytes_per_second
    computing = batch * not_negative(token_flop, "FLOP per token")
    computing /= machine.utilisation * machine.peak_flop_per_second
    return batch / max(reading, computing)
