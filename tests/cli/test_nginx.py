"""fetch against a server that is not ours: nginx, on loopback."""

import json
import shutil
import socket
import subprocess
import time

import pytest

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
REQUESTS = 300

pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of an nginx that serves a file of 1 KiB, k.bin."""
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    (folder / "k.bin").write_bytes(bytes(range(256)) * 4)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
       fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
       server {{ listen 127.0.0.1:{port}; root {folder}; }} }}
""")
    process = subprocess.Popen([NGINX, "-c", config, "-p", folder, "-e", folder / "error.log"])
    deadline = time.monotonic() + 20
    while not is_listening(port):
        assert process.poll() is None and time.monotonic() < deadline, "nginx does not listen"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=20)


def rows_of(tva, url, keepalive):
    done = tva("run", "fetch", "--model=threads,pool,async", f"--url={url}", "--tasks=20",
               f"--requests={REQUESTS}", f"--keepalive={keepalive}", "--json")
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("keepalive", ["yes", "no"])
def test_a_file_is_fetched_by_every_model(tva, server, keepalive):
    status, rows = rows_of(tva, f"{server}/k.bin", keepalive)
    assert status == 0
    assert [row["operations"] for row in rows] == [REQUESTS] * 3
    assert [row["errors"] for row in rows] == [{}] * 3
    assert [row["verified"] for row in rows] == [True] * 3


def test_a_file_that_is_not_there_is_an_error_of_each_operation(tva, server):
    status, rows = rows_of(tva, f"{server}/none", "yes")
    assert status == 1
    assert [row["errors"] for row in rows] == [{"HTTP_404": REQUESTS}] * 3
    assert [row["status"] for row in rows] == ["failed"] * 3
