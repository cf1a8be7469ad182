"""Commands end in a line that says what to do, not in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InvalidInput, Unavailable
from generators import __main__ as command
from generators.feedback.comment_file import read_comments
from generators.feedback.feedback_report import write_results


@pytest.mark.parametrize(("error", "code"), [(InvalidInput("wrong"), 2), (Unavailable("nobody answers"), 1)])
def test_known_errors_end_in_one_line(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(**_: object) -> None:
        raise error

    monkeypatch.setattr(command, "app", failing)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_results_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="make the folder"):
        write_results([], [], tmp_path / "none" / "read.jsonl", 10)


def test_a_file_without_comments_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_text("text\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="at least one comment"):
        read_comments(path)
