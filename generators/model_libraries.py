"""Import torch and transformers when a model is really wanted, set up for a machine that does other work too."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from engine.core.errors import InvalidInput


def model_libraries() -> tuple[Any, Any]:
    """Return (torch, transformers), imported on the first call.

    OpenMP's threads spin while they wait for each other. With other busy processes on the same cores that made
    generation five times slower than threads that sleep; the library reads the setting when it is loaded, so it is
    made here, and only where nobody has set it. Models come from packages and folders: no hub is ever asked.

    Raises:
        InvalidInput: They are not installed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        torch, transformers = import_module("torch"), import_module("transformers")
    except ImportError as error:
        message = f"needs {error.name}; run pip install 'armsreach[generators]', or use template and chargram"
        raise InvalidInput(message, field="--backend or --embedder") from error
    transformers.utils.logging.disable_progress_bar()
    return torch, transformers
