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


def test_writers_have_drafts_of_their_own_remove_no_others_and_replace_nothing(tmp_path):
    run, there = tmp_path / "run", "Folder .*run: expected none yet"
    with files.placing(run) as one:
        assert names(one) == [] and names(tmp_path) == [one.name]
        with pytest.raises(FileExistsError, match=there), files.placing(run) as other:
            assert one != other
            run.mkdir()  # even an empty one stays
        run.rmdir()
        (one / "a.txt").write_text("a")
    with pytest.raises(FileExistsError, match=there), files.placing(run) as late:
        (late / "new.txt").touch()
    assert names(tmp_path) == ["run"] and names(run) == ["a.txt"]
    for name in (".draft-run--1-ab", ".draft-run-mean--1-ab"):  # of killed processes: its own, and another's
        (tmp_path / name).mkdir()
    files.remove_drafts(run)
    assert names(tmp_path) == [".draft-run-mean--1-ab", "run"]


FULL = "Disk of .*run: expected room to write, found it full. Mend it"
FAILURES = [(RuntimeError("half way"), "half way"), (KeyboardInterrupt(), "^$"), (OSError(errno.EIO, "raw"), "raw")]
FAILURES += [(OSError(number, "raw"), FULL) for number in files.FULL_DISK]


@pytest.mark.parametrize(("error", "message"), FAILURES)
def test_a_block_that_fails_leaves_nothing_and_a_full_disk_is_one_clear_error(tmp_path, error, message):
    with pytest.raises(type(error), match=message) as caught, files.placing(tmp_path / "run") as draft:
        (draft / "a.txt").write_text("a")
        raise error
    assert getattr(caught.value, "errno", None) == getattr(error, "errno", None) and names(tmp_path) == []


def test_a_folder_is_made_and_left_empty_and_one_without_room_or_that_is_a_file_named(tmp_path):
    folder = tmp_path / "a" / "b"
    files.check_writable(folder)
    files.check_room(folder, 1)
    with pytest.raises(OSError, match=r"expected 1000000000000 MB free, found \d+ MB. Mend it.*STUDY_RESULTS"):
        files.check_room(folder, 1e18)
    assert names(folder) == []
    # Not by permissions: the tests may run as root, for whom everything can be written.
    file = tmp_path / "file"
    file.write_text("keep me")
    for folder in (file, file / "results", file / "results/smoke"):
        with pytest.raises(PermissionError, match="Folder .*one that can be written.*Mend it.*STUDY_RESULTS"):
            files.check_writable(folder)
    assert file.read_text() == "keep me"


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
