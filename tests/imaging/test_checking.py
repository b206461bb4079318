"""Headers that are checked before the sender is answered: many by one fork, and no file is another's misfortune."""

import os
import threading
import time
from pathlib import Path

import psutil

from imaging.services import checking, decoding
from imaging.services.checking import Claim
from tests.imaging.peer import slices


def kills(children: list[int], stop: threading.Event, killed: list[int]) -> None:
    """As the kernel does to a fork that uses up its time: each that reads for longer than a good file takes."""
    while not stop.wait(0.05):
        for pid in children:
            try:
                for fork in psutil.Process(pid).children():
                    if time.time() - fork.create_time() > 1.5:
                        fork.kill()
                        killed.append(fork.pid)
            except psutil.Error:
                continue


def test_a_file_that_brings_the_child_down_is_refused_alone(tmp_path: Path) -> None:
    files = slices(3)
    paths = [tmp_path / f"{number}.part" for number in range(4)]
    for path, content in zip([paths[0], paths[1], paths[3]], files, strict=True):
        path.write_bytes(content)
    os.mkfifo(paths[2])  # whoever reads it waits until the end of time
    decoding.warm_up()
    checking.claims([paths[0]])  # the child has loaded its decoders
    stop, killed = threading.Event(), list[int]()
    killer = threading.Thread(target=kills, args=(decoding.process_ids(), stop, killed))
    killer.start()
    try:
        found = checking.claims(paths)
    finally:
        stop.set()
        killer.join()
    assert [claim.refused for claim in found] == ["", "", "took_too_long", ""]
    assert len({claim.study for claim in found} - {""}) == 1
    assert found[2] == Claim(refused="took_too_long")
    assert len(killed) == 2  # all together, then that one
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in paths]
