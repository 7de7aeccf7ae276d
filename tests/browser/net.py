"""A network of our own: every name in the world leads to this process.

`enter()` moves the calling process into a fresh network namespace in which only the loopback interface exists,
carries all of 198.18.0.0/15 (RFC 2544, reserved for measurements) and resolves names with a server of ours. Every host
gets an address of its own there, so even a connection that never says a word can be told apart by where it went.

Needs root, or a kernel that lets users make user namespaces. Where neither is to be had, `enter()` says so and the
browsers are pointed at one high port instead (`--host-resolver-rules`, `network.dns.forceResolve`): then name look-ups
and STUN packets cannot be seen, and the tests print that.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
IFF_UP = 0x1

RANGE = "198.18.0.0"
DNS_ADDRESS = "198.18.0.1"


@dataclass(frozen=True)
class Network:
    """What can be seen. `own`: real ports and every name are ours; else only HTTP and TLS can be recorded."""

    own: bool
    reason: str = ""

    @property
    def unseen(self) -> str:
        """The sentence to print when something is not measured; empty when everything is."""
        if self.own:
            return ""
        return (
            f"no network namespace ({self.reason}): name look-ups, bare connections without a name, and STUN packets"
            " are not measured. Run as root, or allow user namespaces."
        )


_entered: Network | None = None


def enter() -> Network:
    """Move this process (and the children it starts from now on) into the namespace. Does it once; call it early."""
    global _entered  # noqa: PLW0603  # a namespace is a state of the process
    if _entered is None:
        try:
            _entered = _unshare()
        except OSError as error:
            _entered = Network(own=False, reason=str(error))
    return _entered


def _unshare() -> Network:
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has none")
    flags = CLONE_NEWNS | CLONE_NEWNET
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        if threading.active_count() > 1:
            raise OSError("a process with several threads cannot enter a user namespace")
        flags |= CLONE_NEWUSER
    _call("unshare", flags)
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    _loopback()
    _resolver()
    return Network(own=True)


def _call(name: str, *arguments: int | bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _loopback() -> None:
    """Bring `lo` up, and give it the whole range: what is on `lo` with a netmask is local in full."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(handle, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
        for command, address in ((SIOCSIFADDR, DNS_ADDRESS), (SIOCSIFNETMASK, "255.254.0.0")):
            packed = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(handle, command, packed)


def _resolver() -> None:
    """Name look-ups go to us, and nowhere else: no multicast, no systemd socket, no hosts file with surprises."""
    folder = Path(tempfile.mkdtemp(prefix="consent-net-"))
    for target, text in (
        ("/etc/resolv.conf", f"nameserver {DNS_ADDRESS}\noptions timeout:1 attempts:1\n"),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ):
        if not Path(target).exists():
            continue
        ours = folder / Path(target).name
        ours.write_text(text, encoding="ascii")
        _call("mount", str(ours).encode(), os.path.realpath(target).encode(), None, MS_BIND, None)
