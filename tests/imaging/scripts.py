"""Asks the viewer's own modules, run by node: what the browser computes is what is tested."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy"))
from prepare import node_and_npm  # noqa: E402

LOOP = """
import { createInterface } from "node:readline";
const module = await import(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) {
  const [name, given] = JSON.parse(line);
  console.log(JSON.stringify(module[name](...given) ?? null));
}
"""


class Script:
    """One module of static/js that imports nothing of the browser's; ends with the `with`."""

    def __init__(self, path: str) -> None:
        command = [node_and_npm()[0], "--input-type=module", "--eval", LOOP, (ROOT / path).as_uri()]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate()

    def ask(self, name: str, *given: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([name, given]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())
