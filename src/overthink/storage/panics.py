"""Broken Parquet files without the noise of Polars' threads, which print a stack trace before they raise an error."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def silent_panics() -> Iterator[None]:
    """Hold back what is written to standard error while a foreign file is decoded; drop it where decoding fails.

    The caller turns the error into its one message. Where the block succeeds, what was written appears afterwards.
    """
    try:
        descriptor = os.dup(2)
    except OSError:  # standard error is closed, so there is no noise
        yield
        return
    try:
        held = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the block below
    except OSError:  # no folder for temporary files can be written to: the noise appears, and the file is read
        os.close(descriptor)
        yield
        return
    with held:
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            _restore(descriptor)
            raise
        _restore(descriptor)
        held.seek(0)
        with suppress(OSError):
            os.write(2, held.read())


def _restore(descriptor: int) -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    os.dup2(descriptor, 2)
    os.close(descriptor)
