"""Builds and installs what the rows need, into `.work` and the repository's own `target`."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from .places import COMPARE, REPOSITORY, WORK, Missing

BUILD_WITHIN_S = 1800
INSTALL_WITHIN_S = 300


def programs():
    """The load, the function and the actix servers."""
    target = WORK / "target"
    cargo(["build", "--release", "--locked", "--target-dir", target], folder=COMPARE)


def gateway(profile="release", environment=None):
    """twimlgate; returns the binary."""
    cargo(["build", "--profile", profile, "--locked", "--bin", "twimlgate"], REPOSITORY, environment)
    return target_folder() / profile / "twimlgate"


def target_folder():
    """Where cargo builds the repository: the user may have moved it."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    return Path(json.loads(told)["target_directory"])


def express():
    """Express, twilio and undici; returns the folder."""
    require("node", "install Node.js 20 or newer")
    require("npm", "install npm")
    folder = WORK / "express"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "server.js"):
        shutil.copy(COMPARE / "express" / name, folder)
    wanted = (folder / "package.json").read_text()
    installed = folder / "installed"
    if not installed.exists() or installed.read_text() != wanted:
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        run(command, folder, INSTALL_WITHIN_S)
        installed.write_text(wanted)
    return folder


def require(program, advice):
    """The path of a program, or what to do where it is not there."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if not path:
        raise Missing(f"`{program}` is not there: {advice}")
    return path


def cargo(arguments, folder, environment=None):
    """Runs cargo."""
    run([require("cargo", "install Rust"), *arguments], folder, BUILD_WITHIN_S, environment)


def run(command, folder, within_s, environment=None):
    """Runs a command that has to succeed; what it says is shown only when it does not."""
    shown = " ".join(str(part) for part in command)
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            timeout=within_s,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"`{shown}` did not end within {within_s} s") from None
    if done.returncode:
        last = "\n".join(done.stdout.decode(errors="replace").strip().splitlines()[-15:])
        raise Missing(f"`{shown}` failed:\n{last}")
