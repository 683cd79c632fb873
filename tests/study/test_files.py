"""Folders that are whole or absent, one writer a run, and errors of disks that are full or closed."""

import errno
import subprocess
import sys
import threading

import pytest

from study import files
from study.settings import ROOT


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_succeeds_leaves_its_folder_and_nothing_else(tmp_path):
    with files.placing(tmp_path / "run") as draft:
        assert names(draft) == [] and names(tmp_path) == [draft.name]
        (draft / "a.txt").write_text("a")
    assert names(tmp_path) == ["run"] and names(tmp_path / "run") == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("half way"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), files.placing(tmp_path / "run") as draft:
        (draft / "a.txt").write_text("a")
        raise error
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [[], ["old.txt"]])
def test_what_is_there_is_never_replaced(tmp_path, content):
    (tmp_path / "run").mkdir()
    for name in content:
        (tmp_path / "run" / name).write_text("old")
    with (
        pytest.raises(FileExistsError, match="Folder .*run: expected none yet"),
        files.placing(tmp_path / "run") as draft,
    ):
        (draft / "new.txt").touch()
    assert names(tmp_path) == ["run"] and names(tmp_path / "run") == content


def test_two_writers_have_drafts_of_their_own(tmp_path):
    with files.placing(tmp_path / "run") as one:
        with pytest.raises(FileExistsError), files.placing(tmp_path / "run") as other:
            assert one != other
            (tmp_path / "run").mkdir()
        (tmp_path / "run").rmdir()
        (one / "a.txt").touch()
    assert names(tmp_path / "run") == ["a.txt"]


def test_drafts_of_killed_processes_are_removed_by_the_next_writer_but_not_those_of_others(tmp_path):
    for name in (".draft-run--1-ab", ".draft-run-mean--1-ab"):
        (tmp_path / name).mkdir()
    files.remove_drafts(tmp_path / "run")
    assert names(tmp_path) == [".draft-run-mean--1-ab"]


@pytest.mark.parametrize("number", files.FULL_DISK)
def test_a_full_disk_is_one_clear_error(tmp_path, number):
    with pytest.raises(OSError, match="Disk of .*run: expected room to write, found it full. Mend it") as caught:
        with files.placing(tmp_path / "run"):
            raise OSError(number, "raw words")
    assert caught.value.errno == number and names(tmp_path) == []


def test_other_errors_of_the_system_keep_their_words(tmp_path):
    with pytest.raises(OSError, match="raw words"), files.placing(tmp_path / "run"):
        raise OSError(errno.EIO, "raw words")


def test_too_little_room_is_said_before_any_work(tmp_path):
    files.check_room(tmp_path, 1)
    with pytest.raises(OSError, match=r"expected 1000000000000 MB free, found \d+ MB. Mend it.*STUDY_RESULTS"):
        files.check_room(tmp_path, 1e18)


@pytest.mark.parametrize("below", ["", "results", "results/smoke"])
def test_a_file_where_a_folder_is_expected(tmp_path, below):
    # Not by permissions: the tests may run as root, for whom everything can be written.
    file = tmp_path / "file"
    file.write_text("keep me")
    with pytest.raises(
        PermissionError, match="Results folder .*expected one that can be written.*Mend it.*STUDY_RESULTS"
    ):
        files.check_writable(file / below)
    assert file.read_text() == "keep me"


def test_checking_a_folder_creates_it_and_leaves_nothing_in_it(tmp_path):
    files.check_writable(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []


HOLDER = """
import sys, time
from pathlib import Path
from study import files
with files.only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_waits_and_says_so_and_a_killed_one_holds_nothing(tmp_path, capsys):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        entered = threading.Event()

        def wait():
            with files.only_writer(tmp_path / "run"):
                entered.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.5)
        holder.kill()
        waiting.join(30)
    assert entered.is_set()
    assert capsys.readouterr().out == "run: another process is at work on it; waiting until it ends.\n"
