"""What all tests share: how hypothesis searches."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples in every run, so that a failure is the fault of the change it appears with. To look further, run
# with HYPOTHESIS_PROFILE=search: other examples each time.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
