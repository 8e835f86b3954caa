"""Open ``hf/NAME``: what can be refused is refused before the weights are loaded, in one message.

Memory that a model's weights need, from the headers of its files, compared with what is free. Nothing is loaded.
"""

import importlib.util
from pathlib import Path
from typing import Any

from inspect_ai.model import GenerateConfig, Model, get_model

from overthink.collect.inspect_internals import copy_registration
from overthink.collect.machine_memory import available_memory
from overthink.collect.model_info.safetensors import count_parameters
from overthink.errors import InputError
from overthink.paths import path_kind

WIDTHS = {"float64": 8, "float32": 4, "float": 4, "float16": 2, "half": 2, "bfloat16": 2}
"""Bytes of a parameter by the name of its type."""

SPARE = 1.1
"""Factor for buffers and activations beside the weights."""


def weight_bytes(folder: Path, *, dtype: str | None) -> int | None:
    """Return the bytes of a model's weights; None if its files do not tell.

    Args:
        folder: A folder in Hugging Face layout.
        dtype: Type in which they are loaded; None or "auto" for that of the files.

    Raises:
        InputError: A file is truncated, damaged or forged.
    """
    count = count_parameters(folder, layers=None)
    if isinstance(count, str):
        return None
    return loaded_bytes(count.parameters, count.bytes, dtype=dtype)


def loaded_bytes(parameters: int, stored_bytes: int, *, dtype: str | None) -> int:
    """Return the bytes of parameters once loaded.

    Example:
        >>> loaded_bytes(1000, 2000, dtype="float32"), loaded_bytes(1000, 2000, dtype=None)
        (4000, 2000)
    """
    width = WIDTHS.get(str(dtype).removeprefix("torch."))
    return stored_bytes if width is None else parameters * width


def check_memory(name: str, *, needed: int | None, free: int | None, place: str) -> None:
    """Check that a model's weights fit.

    Args:
        name: Inspect model string.
        needed: Bytes of its weights; None if unknown.
        free: Free bytes; None if unknown.
        place: Where, for the message.

    Raises:
        InputError: They do not.

    Example:
        >>> check_memory("hf/big", needed=16 << 30, free=8 << 30, place="on cpu")
        Traceback (most recent call last):
        overthink.errors.InputError: hf/big needs 18.9 GB for its weights, and 8.6 GB are free on cpu. ...
    """
    if needed is None or free is None or needed * SPARE <= free:
        return
    raise InputError(
        f"{name} needs {needed * SPARE / 1e9:.1f} GB for its weights, and {free / 1e9:.1f} GB are free {place}. Load "
        "it in a smaller type (-M dtype=bfloat16), choose a smaller model or another -M device=..., or serve it "
        "elsewhere: vllm-completions/NAME."
    )


PREFIX = "hf/"
"""Beginning of the model strings."""

PACKAGES = ("torch", "transformers", "accelerate")

INSTALL = "pip install 'overthink[hf]'"

OWN_ARGUMENTS = ("batch_size", "cache_gb")
"""Model arguments that Inspect's provider does not use."""

CPU_BATCH, GPU_BATCH = 16, 32
"""Default number of requests that are decoded together."""

CPU_SHARE, GPU_SHARE = 0.25, 0.5
"""Default share of the memory free after loading for held prefixes; a batch takes as much again at most."""

PLACES = ("auto", "balanced", "balanced_low_0", "sequential")
"""Values of ``device`` by which accelerate places the layers."""

WINDOWS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length", "n_ctx")
"""Names of the context window in a configuration."""

NO_WINDOW = 1 << 30
"""Context window, in tokens, of a model that states none."""

ATTENTION = {"full_attention", "sliding_attention", "chunked_attention", "attention"}
"""Kinds of layers whose keys and values can be cut back to any prefix."""

QUANTIZED = ("quantization_config", "load_in_4bit", "load_in_8bit")
"""Arguments with which the weights take less memory than their files tell."""


def open_hugging_face(name: str, args: dict[str, Any]) -> Model:
    """Return a model of Transformers that can be laddered.

    Args:
        name: Inspect model string.
        args: Arguments of Inspect's provider, and of :data:`OWN_ARGUMENTS`: ``batch_size``, requests that are decoded
            together, and ``cache_gb``, memory for held prefixes.

    Raises:
        InputError: PyTorch or Transformers is missing, the device, the model or its files are not there, its weights
            do not fit, or it cannot be continued from a prefix.
    """
    _require_packages(name)
    device = _checked_device(name, args.get("device"))
    source = str(args.get("model_path") or name.removeprefix(PREFIX))
    config = _checked_source(name, source, args)
    _check_kind(name, config)
    _check_fits(name, source, args, device)
    of_inspect = {key: value for key, value in args.items() if key not in OWN_ARGUMENTS}
    try:
        inner = get_model(name, **of_inspect)
    except Exception as fault:  # these libraries raise any exception for files that do not belong together
        raise InputError(f"{name} cannot be loaded: {_in_a_line(fault)}") from fault
    api: Any = inner.api
    _check_template(name, api)
    return _laddered(inner, args, context=_window(config))


def _laddered(inner: Model, args: dict[str, Any], *, context: int) -> Model:
    """Return a model with our provider around Inspect's own."""
    from overthink.collect.providers.huggingface.decoding import Detokenizer
    from overthink.collect.providers.huggingface.engine import Engine
    from overthink.collect.providers.huggingface.provider import HuggingFaceModel

    api: Any = inner.api
    on_cpu = api.model.device.type == "cpu"
    free = _free_bytes(str(api.model.device)) or 0
    cache_gb = args.get("cache_gb")
    engine = Engine(
        api.model,
        Detokenizer(api.tokenizer),
        ends=_ends(api),
        batch_size=_at_least_one("batch_size", args.get("batch_size") or (CPU_BATCH if on_cpu else GPU_BATCH)),
        limit=int(free * (CPU_SHARE if on_cpu else GPU_SHARE) if cache_gb is None else _cache_bytes(cache_gb)),
        context=context,
    )
    config = GenerateConfig()
    ours = HuggingFaceModel(api, engine, context=context, config=config)
    copy_registration(api, ours)
    model = Model(ours, config, args)
    ours.qualified_model_name = str(model)
    return model


def _require_packages(name: str) -> None:
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise InputError(f"{name} needs {', '.join(missing)}. Run: {INSTALL}")


def _checked_device(name: str, device: object) -> str:
    """Return the device, chosen as Inspect chooses it.

    Raises:
        InputError: There is no such device.
    """
    import torch

    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if not device:
        return "mps" if has_mps else "cuda:0" if has_cuda else "cpu"
    if device in PLACES:
        return str(device)
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    there = ["cpu", *(["mps"] if has_mps else []), *cuda]
    try:
        chosen = torch.device(device if isinstance(device, int) else str(device))
    except RuntimeError:
        chosen = None
    place = chosen and (f"cuda:{chosen.index or 0}" if chosen.type == "cuda" else chosen.type)
    if place not in there:
        raise InputError(f"{name}: there is no device {device!r} here. Devices: {', '.join(there)} (-M device=...)")
    return str(device)


def _checked_source(name: str, source: str, args: dict[str, Any]) -> Any:
    """Return the configuration of a model, from its folder or from the hub.

    Raises:
        InputError: It is not there, the hub cannot be reached, or it needs code of its own.
    """
    import transformers

    if source.startswith(("/", ".", "~")) or path_kind(Path(source)) == "a folder":
        if (kind := path_kind(Path(source))) != "a folder":
            raise InputError(f"{name}: {source} is {kind}; needed: a folder with config.json and safetensors weights")
        if path_kind(Path(source) / "config.json") != "a file":
            raise InputError(f"{name}: {source} has no config.json; needed: a folder in Hugging Face layout")
    options = {key: args[key] for key in ("revision", "trust_remote_code", "cache_dir") if key in args}
    try:
        return transformers.AutoConfig.from_pretrained(source, **options)
    except Exception as fault:
        raise InputError(
            f"{name}: no configuration for {source!r}: {_in_a_line(fault)}. Needed: the name of a model on a hub that "
            "can be reached (a gated one needs HF_TOKEN), one that was fetched before, or -M model_path=FOLDER."
        ) from fault


def _check_kind(name: str, config: Any) -> None:
    """Check that the model's state can be cut back to a prefix."""
    text = config.get_text_config()
    kinds = {str(kind) for kind in getattr(text, "layer_types", None) or ()} - ATTENTION
    if kinds or getattr(config, "is_encoder_decoder", False) or not _has_heads(text):
        what = ", ".join(sorted(kinds)) or "no plain attention"
        raise InputError(
            f"{name} has layers whose state cannot be cut back to a prefix ({what}), so it cannot be laddered in "
            "process. Serve it: vllm-completions/NAME; or compare its own levels with --efforts."
        )


def _has_heads(config: Any) -> bool:
    return any(getattr(config, key, None) for key in ("num_attention_heads", "n_head", "n_heads"))


def _check_fits(name: str, source: str, args: dict[str, Any], device: str) -> None:
    if any(args.get(key) for key in QUANTIZED) or device in PLACES:
        return
    dtype = args.get("dtype") or args.get("torch_dtype")
    if path_kind(Path(source)) == "a folder":
        needed = weight_bytes(Path(source), dtype=None if dtype is None else str(dtype))
    else:
        needed = _hub_bytes(source, dtype, args.get("revision"))
    check_memory(name, needed=needed, free=_free_bytes(device), place=f"on {device}")


def _hub_bytes(source: str, dtype: object, revision: Any) -> int | None:
    """Return the bytes of weights fetched before, or on the hub, from the headers of their files; None if unknown."""
    import huggingface_hub

    type_name = None if dtype is None else str(dtype)
    config = huggingface_hub.try_to_load_from_cache(source, "config.json", revision=revision)
    if isinstance(config, str) and (stored := weight_bytes(Path(config).parent, dtype=type_name)) is not None:
        return stored
    try:
        metadata = huggingface_hub.get_safetensors_metadata(source, revision=revision)
    except Exception:  # noqa: BLE001 (no safetensors, or a hub that is gone by now: loading says why)
        return None
    widths = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2}
    counts = metadata.parameter_count
    in_files = sum(count * widths.get(kind, 1) for kind, count in counts.items())
    return loaded_bytes(sum(counts.values()), in_files, dtype=type_name)


def _free_bytes(device: str) -> int | None:
    """Return the free memory of a device; None if it does not tell."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    return available_memory() if kind in ("cpu", "mps") else None  # mps shares the main memory


def _check_template(name: str, api: Any) -> None:
    if api.use_chat_template is False or isinstance(api.chat_template, str) or api.tokenizer.chat_template:
        return
    raise InputError(
        f"{name} has no chat template, so there is no prompt to continue. Give one, -M chat_template='...' in Jinja, "
        "choose the model's instruct version, or, for plain lines of 'user: ...', -M use_chat_template=false."
    )


def _window(config: Any) -> int:
    text = config.get_text_config()
    windows = (getattr(text, key, None) for key in WINDOWS)
    return next((window for window in windows if isinstance(window, int) and window > 0), NO_WINDOW)


def _ends(api: Any) -> frozenset[int]:
    """Return the token ids that end the turn: those of the generation settings, and the tokenizer's."""
    ends = getattr(api.model.generation_config, "eos_token_id", None)
    stated = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in (*stated, api.tokenizer.eos_token_id) if token is not None)


def _at_least_one(argument: str, value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise InputError(f"-M {argument}={value}: needed: a whole number, 1 or more")
    return value


def _cache_bytes(value: Any) -> int:
    if not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise InputError(f"-M cache_gb={value}: needed: a number of GB, 0 or more")
    return int(value * 1e9)


def _in_a_line(fault: Exception) -> str:
    lines = [line.strip() for line in str(fault).strip().splitlines() if line.strip()] or [type(fault).__name__]
    return lines[0][:300].rstrip(".")
