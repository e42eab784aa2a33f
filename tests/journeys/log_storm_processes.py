"""The processes of a deployment as a supervisor keeps them running, and as they are killed."""

import contextlib
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from deployment import ROOT

_PATIENCE: Final = 60.0


@dataclass
class Process:
    """One process of the deployment, in a session of its own, so that it can be killed with all its children."""

    name: str
    command: list[str]
    environment: dict[str, str]
    said: Path
    running: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        """Start it unless it runs, as a supervisor would."""
        if self.running is None or self.running.poll() is not None:
            with self.said.open("ab") as said:
                full = [sys.executable, "-m", "registry_api.cli", *self.command]
                self.running = subprocess.Popen(
                    full, env=self.environment, cwd=ROOT, stdout=said, stderr=said, start_new_session=True
                )

    def kill(self) -> None:
        """Kill it, and the workers that it started."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()

    def kill_a_worker(self, chance: random.Random) -> None:
        """Kill one of its children, which it starts again by itself."""
        if self.running is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                if children := psutil.Process(self.running.pid).children():
                    chance.choice(children).kill()

    def stop(self) -> None:
        """End it as an operator would."""
        if self.running is not None:
            self.running.terminate()
            try:
                self.running.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
