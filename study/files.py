"""Folders that are there whole or not at all: private drafts, one writer a run, and errors that say what to do."""

import contextlib
import errno
import os
from pathlib import Path
import secrets
import shutil

import filelock

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def placing(folder):
    """Yield an empty draft folder of this process's own; it becomes `folder` when the block succeeds.

    What the block wrote is on the disk before it takes its place, and nothing is ever replaced.

    Raises:
        FileExistsError: there is such a folder by now.
        OSError: the disk is full, or the folder above cannot be written; what was there is untouched.
    """
    folder = Path(folder)
    check_writable(folder.parent)
    draft = folder.with_name(f".draft-{folder.name}--{os.getpid()}-{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        with full_disk_named(folder):
            yield draft
            for path in draft.iterdir():
                _flush(path)
            if folder.exists():  # a rename would replace an empty one, and is named badly for others
                raise FileExistsError(f"Folder {folder}: expected none yet, found one that another process wrote.")
            os.rename(draft, folder)
            _flush(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _flush(path):
    """Have the system put a file, or the names in a folder, on the disk."""
    if os.name == "nt":  # Windows opens no folder, and flushes files as they are closed
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def full_disk_named(folder):
    """Turn the many errors of a full disk in the block into one that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise OSError(
            error.errno,
            f"Disk of {folder}: expected room to write, found it full. Mend it by freeing some and running the same "
            "again, which continues after the last finished epoch; or name another folder with STUDY_RESULTS.",
        ) from error


def check_room(folder, size):
    """Make sure that a folder's disk has room for `size` bytes.

    Raises:
        OSError: it has not, with what is needed and what is there.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(
            errno.ENOSPC,
            f"Disk of {folder}: expected {size / 1e6:.0f} MB free, found {free / 1e6:.0f} MB. Mend it by freeing "
            "some, or by naming a folder elsewhere with STUDY_RESULTS.",
        )


def check_writable(folder, mend="naming another, for instance STUDY_RESULTS=~/study-results"):
    """Create `folder` if need be and make sure that it can be written.

    Args:
        folder: the folder.
        mend: what to do if it cannot.

    Raises:
        PermissionError: it cannot, with the reason and what to do.
    """
    folder = Path(folder)
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in FULL_DISK:
            with full_disk_named(folder):
                raise
        raise PermissionError(
            f"Folder {folder}: expected one that can be written, found: {error.strerror}. Mend it by {mend}."
        ) from error


@contextlib.contextmanager
def only_writer(folder):
    """Hold the right to write `folder`; another process that asks for it waits, and says so."""
    folder = Path(folder)
    lock = filelock.FileLock(folder.with_name(f".lock-{folder.name}"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print(f"{folder.name}: another process is at work on it; waiting until it ends.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove_drafts(folder):
    """Remove drafts of `folder` that killed processes left; for its only writer."""
    for draft in folder.parent.glob(f".draft-{folder.name}--*"):
        shutil.rmtree(draft, ignore_errors=True)
