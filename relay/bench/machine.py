"""What the measurements ran on, and what a process has used (Linux, proc(5))."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path


def describe() -> dict[str, object]:
    """CPU model, cores, kernel and Python."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def own_address() -> str:
    """This machine's IPv4 address towards others: some ICE agents leave loopback out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))  # sends nothing (RFC 5737)
        return str(probe.getsockname()[0])


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of `pid`."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of `pid`."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
