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
SIOCSIFADDR, SIOCSIFNETMASK, SIOCADDRT = 0x8916, 0x891C, 0x890B
TUNSETIFF = 0x400454CA
IFF_UP, IFF_TUN, IFF_NO_PI, RTF_UP = 0x1, 0x1, 0x1000, 0x1

RANGE = "198.18.0.0"
DNS_ADDRESS = "198.18.0.1"
CARD_ADDRESS = "203.0.113.7"  # RFC 5737: an address that is nobody's


@dataclass(frozen=True)
class Network:
    """What can be seen. `own`: real ports and every name are ours; else only HTTP and TLS can be recorded.
    `outside`: there is a network card to send from, without which WebRTC does not try."""

    own: bool
    outside: bool = False
    reason: str = ""

    @property
    def unseen(self) -> str:
        """The sentence to print when something is not measured; empty when everything is."""
        if self.own:
            return "" if self.outside else f"no card to send from ({self.reason}): STUN packets are not measured."
        return (
            f"no network namespace ({self.reason}): name look-ups, bare connections without a name, and STUN packets"
            " are not measured. Run as root, or allow user namespaces."
        )


_entered: Network | None = None
_tunnel = -1


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
    try:
        _card()
    except OSError as error:
        return Network(own=True, reason=str(error))
    return Network(own=True, outside=True)


def _call(name: str, *arguments: int | bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _loopback() -> None:
    """Bring `lo` up, and give it the whole range: what is on `lo` with a netmask is local in full."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        _up(handle, b"lo")
        fcntl.ioctl(handle, SIOCSIFADDR, _with_address(b"lo:1", DNS_ADDRESS))
        fcntl.ioctl(handle, SIOCSIFNETMASK, _with_address(b"lo:1", "255.254.0.0"))


def _card() -> None:
    """A network card with a default route. Nothing that leaves by it arrives anywhere: all names lead to `lo`."""
    global _tunnel  # noqa: PLW0603  # the card lives as long as this file is open
    _tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(_tunnel, TUNSETIFF, struct.pack("16sH14x", b"net0", IFF_TUN | IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SIOCSIFADDR, _with_address(b"net0", CARD_ADDRESS))
        _up(handle, b"net0")
        device = ctypes.create_string_buffer(b"net0")
        anywhere = struct.pack("=HH4s8x", socket.AF_INET, 0, bytes(4))
        name = ctypes.addressof(device)
        # struct rtentry of <linux/route.h>: destination, gateway, mask, flags … device.
        shape = "@L16s16s16sHhLPhPLLH"
        route = struct.pack(shape, 0, anywhere, anywhere, anywhere, RTF_UP, 0, 0, 0, 0, name, 0, 0, 0)
        fcntl.ioctl(handle, SIOCADDRT, route)


def _up(handle: socket.socket, name: bytes) -> None:
    flags = struct.unpack("16sH14x", fcntl.ioctl(handle, SIOCGIFFLAGS, struct.pack("16sH14x", name, 0)))[1]
    fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sH14x", name, flags | IFF_UP))


def _with_address(name: bytes, address: str) -> bytes:
    return struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))


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
