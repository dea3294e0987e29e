"""What is not installed, in one line: who needs it, and what brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str, what: str, *packages: str) -> Iterator[None]:
    """Let an import that fails for want of an extra say so in the words of who needs it.

    Args:
        name: The extra.
        what: What needs it, as users write it.
        packages: What may be missing; beside these, what another room of this package says that it needs.

    Raises:
        ImportError: It is not installed.
    """
    with installed_by(f'"langchain-dmx-omni[{name}]"', what, *packages):
        yield


@contextmanager
def installed_by(requirement: str, what: str, *packages: str) -> Iterator[None]:
    """Let an import that fails say which requirement of pip's brings what is missing.

    Args:
        requirement: What pip is to install.
        what: As of `extra`.
        packages: As of `extra`.

    Raises:
        ImportError: It is not installed.
    """
    try:
        yield
    except ImportError as error:
        if "pip install" not in str(error) and (error.name or "").partition(".")[0] not in packages:
            raise
        raise ImportError(f"{what} needs: pip install {requirement}", name=error.name) from None
