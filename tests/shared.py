"""Files that lie beside the checkout, for tests that can use them."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """Return a file or folder beside the checkout; skip the test where it is missing."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"needs {path}, which is not part of the project")
    return found
