import pytest

from engine.extras import require


def test_what_is_missing_is_named_with_its_remedy() -> None:
    require("simulator", "json", "numpy")
    with pytest.raises(ModuleNotFoundError, match=r"no_such_library.*\[simulator\]"):
        require("simulator", "json", "no_such_library")
