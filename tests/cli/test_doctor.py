"""tva doctor: what it tells of this machine, for people and for programs."""

import json
import subprocess


def test_json_names_every_limit_with_its_value_and_room(tva):
    found = tva("doctor", "--json")
    assert found.returncode == 0, found.stderr
    limits = {limit["name"]: limit for limit in json.loads(found.stdout)["limits"]}
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        pid_max = int(file.read())
    assert limits["kernel.pid_max"]["value"] == pid_max
    assert 0 < limits["kernel.pid_max"]["room"] < pid_max
    assert {"pids.max", "kernel.threads-max", "vm.max_map_count", "RLIMIT_NOFILE", "memory",
            "net.ipv4.ip_local_port_range"} <= set(limits)


def test_noise_was_measured(tva):
    noise = {entry["name"]: entry for entry in json.loads(tva("doctor", "--json").stdout)["noise"]}
    sleep = noise["a lone sleep of 1 ms ends late by, median"]
    assert sleep["unit"] == "us" and sleep["value"] > 0
    assert noise["the same work takes, 90th percentile by fastest"]["value"] >= 1


def test_a_limit_that_is_too_low_comes_with_advice(tva):
    low = subprocess.run(["bash", "-c", f"ulimit -n 200; exec {tva.path} doctor"], capture_output=True,
                         text=True, timeout=60)
    lines = low.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "RLIMIT_NOFILE" in line)
    assert lines[at].lstrip().startswith("!!") and "room for 200" in lines[at]
    assert "try: ulimit -Hn" in lines[at + 1]
