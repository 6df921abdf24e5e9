"""scripts/install-deps, with stubs in place of the machine's package tools."""

import os
import subprocess
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PLAIN_TOOLS = ("sh", "awk", "cat", "cut", "dirname", "mktemp", "rm", "touch")
APT_ONLY = ("cmake", "libjansson-dev", "libhttp-parser-dev", "libcmocka-dev", "hyperfine")


def which(name):
    return next(path for path in (Path(folder) / name for folder in ("/usr/bin", "/bin"))
                if path.exists())


class Machine:
    """A PATH that has plain tools and stubs alone; each stub is a shell script's text."""

    def __init__(self, folder):
        self.folder = folder
        for tool in PLAIN_TOOLS:
            (folder / tool).symlink_to(which(tool))

    def stub(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def install_deps(self, *packages):
        environment = {"PATH": str(self.folder), "STUBS": str(self.folder)}
        return subprocess.run([SCRIPTS / "install-deps", *packages], env=environment, text=True,
                              capture_output=True, timeout=30)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_without_root_it_prints_the_commands_and_exits_2(machine):
    machine.stub("id", "echo 1000")
    machine.stub("dpkg-query", "exit 1")
    machine.stub("apt-get", 'touch "$STUBS/apt-was-run"')
    machine.stub("sudo", "exit 1")
    done = machine.install_deps()
    assert done.returncode == 2, done.stderr
    apt, dnf, pacman = (next(line for line in done.stderr.splitlines() if tool in line).split()
                        for tool in ("apt-get install", "dnf install", "pacman -S"))
    assert set(APT_ONLY) <= set(apt)
    assert {"cmake", "jansson-devel", "http-parser-devel"} <= set(dnf)
    assert {"cmake", "jansson", "http-parser"} <= set(pacman)
    assert done.stdout == ""
    assert not (machine.folder / "apt-was-run").exists()


def test_without_any_debian_tool_it_prints_the_commands_and_exits_2(machine):
    machine.stub("id", "echo 0")
    done = machine.install_deps()
    assert done.returncode == 2, done.stderr
    assert "sudo dnf install gcc cmake" in done.stderr


def test_only_what_is_missing_is_named(machine):
    machine.stub("id", "echo 1000")
    machine.stub("dpkg-query", """
for package in "$@"; do
    case $package in -*|'$'*|hyperfine) ;; *) echo "$package installed" ;; esac
done""")
    done = machine.install_deps()
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[0] == "install-deps: missing: hyperfine"


def test_what_came_without_a_package_is_not_missing(machine):
    machine.stub("id", "echo 1000")
    machine.stub("dpkg-query", "exit 1")
    machine.stub("hyperfine", "exit 0")
    machine.stub("cmake", "echo cmake version 3.31.2")
    done = machine.install_deps()
    missing = done.stderr.splitlines()[0].split()
    assert "hyperfine" not in missing and "cmake" not in missing and "libevent-dev" in missing


def test_a_cmake_that_is_too_old_is_missing(machine):
    machine.stub("id", "echo 1000")
    machine.stub("dpkg-query", "exit 1")
    machine.stub("cmake", "echo cmake version 3.18.4")
    assert "cmake" in machine.install_deps().stderr.splitlines()[0].split()


def apt_machine(machine, **stubs):
    """A machine whose apt-get writes down what it was asked for."""
    machine.stub("dpkg-query", "exit 1")
    machine.stub("apt-get", 'echo "$@" >> "$STUBS/apt-log"')
    machine.stub("apt-cache", "exit 0")
    for name, text in stubs.items():
        machine.stub(name, text)
    return machine


def apt_log(machine):
    return (machine.folder / "apt-log").read_text().splitlines()


def test_root_installs_what_is_missing_and_says_so(machine):
    done = apt_machine(machine, id="echo 0").install_deps("clang-format")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("install-deps: installing gcc cmake")
    (line,) = apt_log(machine)
    assert line.startswith("install -q -y --no-install-recommends")
    assert {*APT_ONLY, "clang-format"} <= set(line.split())


def test_sudo_without_a_password_installs_too(machine):
    done = apt_machine(machine, id="echo 1000", sudo='shift; "$@"').install_deps()
    assert done.returncode == 0, done.stderr
    assert len(apt_log(machine)) == 1


def test_lists_of_packages_that_are_not_there_are_fetched_first(machine):
    done = apt_machine(machine, id="echo 0", **{"apt-cache": "exit 100"}).install_deps()
    assert done.returncode == 0, done.stderr
    update, install = apt_log(machine)
    assert update == "update -q" and install.startswith("install")


def test_a_failure_of_apt_get_is_status_1(machine):
    done = apt_machine(machine, id="echo 0", **{"apt-get": "exit 100"}).install_deps()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "install-deps: apt-get failed, see above"


def test_where_nothing_is_missing_it_is_silent_and_quick():
    """As here, after make: all is installed."""
    environment = {**os.environ}
    began = time.monotonic()
    done = subprocess.run([SCRIPTS / "install-deps"], env=environment, text=True,
                          capture_output=True, timeout=30)
    took = time.monotonic() - began
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert took < 2, f"{took:.2f} s; alone on a machine it takes 0.03 s"
