"""Where reports are written to: files in one piece; links, devices and pipes stay what they are."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from stepwell.simulation.report.files import PlaceError, check_places, write_files


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, page = tmp_path / "pipe", tmp_path / "page.html"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    check_places([pipe, page])
    write_files({pipe: "data", page: "page"})
    reader.join(timeout=10)
    assert read == ["data"]
    assert pipe.is_fifo()
    assert page.read_text() == "page"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["page.html", "pipe"]


def test_a_link_goes_on_leading_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    link = tmp_path / "latest.html"
    link.symlink_to(tmp_path / "kept" / "monday.html")
    for text in ("first", "second"):
        write_files({link: text})
        assert link.is_symlink()
        assert (tmp_path / "kept" / "monday.html").read_text() == text


def test_one_place_for_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="given twice"):
        check_places([tmp_path / "report", tmp_path / "." / "report"])
