"""What all command-line tests need: the executable, and ways to run it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Tva:
    """Runs the executable named by TVA, build/tva by default, in a folder of the test's own."""

    def __init__(self, folder):
        self.path = Path(os.environ.get("TVA", ROOT / "build" / "tva")).resolve()
        assert self.path.exists(), f"{self.path} is not there: build it, or set TVA"
        self.folder = folder

    def __call__(self, *arguments, timeout=60):
        """Runs to the end. Returns subprocess.CompletedProcess with text."""
        return subprocess.run([self.path, *arguments], cwd=self.folder, timeout=timeout,
                              capture_output=True, text=True, check=False)

    def start(self, *arguments):
        """Starts it, in a session of its own, and returns subprocess.Popen with text pipes."""
        return subprocess.Popen([self.path, *arguments], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)


@pytest.fixture
def tva(tmp_path):
    return Tva(tmp_path)
