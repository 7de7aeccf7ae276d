"""Whose request it is, behind proxies and in front of liars."""

from ipaddress import ip_network

import pytest

from consent.web.address import client, is_forgotten_proxy, parse, place

TRUSTED = tuple(ip_network(text) for text in ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8"))

CASES = [
    # who connects, what X-Forwarded-For says, who it is
    ("nothing forwarded", "192.0.2.1", [], "192.0.2.1"),
    ("a stranger's header is not believed", "192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
    ("nor one that names a trusted proxy", "192.0.2.1", ["198.51.100.7, 10.0.0.1"], "192.0.2.1"),
    ("one proxy", "10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
    ("a proxy that says nothing", "10.0.0.1", [], "10.0.0.1"),
    ("spoofed left of the truth", "10.0.0.1", ["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
    ("two proxies", "10.0.0.1", ["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
    ("spoofed, two proxies", "10.0.0.1", ["198.51.100.7, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
    ("spoofed with a trusted address", "10.0.0.1", ["10.9.9.9, 192.0.2.1"], "192.0.2.1"),
    ("two headers", "10.0.0.1", ["198.51.100.7", "192.0.2.1"], "192.0.2.1"),
    ("two headers, the last one ours", "10.0.0.1", ["192.0.2.1", "10.0.0.2"], "192.0.2.1"),
    ("only proxies", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ("rubbish", "10.0.0.1", ["<script>"], "10.0.0.1"),
    ("rubbish left of the truth", "10.0.0.1", ["<script>, 192.0.2.1"], "192.0.2.1"),
    ("rubbish behind our proxy", "10.0.0.1", ["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
    ("a name", "10.0.0.1", ["example.com"], "10.0.0.1"),
    ("empty", "10.0.0.1", [""], "10.0.0.1"),
    ("empty hop", "10.0.0.1", ["192.0.2.1,"], "10.0.0.1"),
    ("with a port", "10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
    ("a port that is none", "10.0.0.1", ["192.0.2.1:x"], "10.0.0.1"),
    ("IPv6", "fd00::1", ["2001:db8::7"], "2001:db8::7"),
    ("IPv6 in brackets with a port", "10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
    ("IPv6 with a zone", "10.0.0.1", ["fe80::1%eth0"], "10.0.0.1"),
    ("IPv4 inside IPv6", "::ffff:10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
    ("numbers in another guise", "10.0.0.1", ["0x7f.1"], "10.0.0.1"),
    ("leading zeros", "10.0.0.1", ["010.0.0.1"], "10.0.0.1"),
    ("ten kilobytes", "10.0.0.1", ["198.51.100.7, " * 700 + "192.0.2.1"], "192.0.2.1"),
    ("ten kilobytes of one hop", "10.0.0.1", ["1" * 10_000], "10.0.0.1"),
    ("control characters", "10.0.0.1", ["192.0.2.1\r\nX: y"], "10.0.0.1"),
    ("many proxies are not followed for ever", "10.0.0.1", [", ".join(["192.0.2.1"] + ["10.0.0.2"] * 30)], "10.0.0.2"),
    ("a Unix socket", "", ["192.0.2.1"], ""),
]


@pytest.mark.parametrize(("peer", "forwarded", "who"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_client_is_the_right_most_hop_that_is_not_ours(peer: str, forwarded: list[str], who: str) -> None:
    """Only what our own proxies add is believed, and never what stands left of it."""
    assert client(peer, forwarded, TRUSTED) == who


def test_without_trusted_proxies_nothing_is_believed() -> None:
    """The default trusts nobody."""
    assert client("127.0.0.1", ["192.0.2.1"], ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "forgotten"),
    [
        ("172.17.0.1", ["192.0.2.1"], True),
        ("fe80::1", ["192.0.2.1"], True),
        ("172.17.0.1", [], False),
        ("10.0.0.1", ["192.0.2.1"], False),
        ("8.8.8.8", ["192.0.2.1"], False),
        ("", ["192.0.2.1"], False),
    ],
)
def test_a_forgotten_proxy_is_noticed(peer: str, forwarded: list[str], forgotten: bool) -> None:
    """A private address that speaks for others and is not in the settings; strangers may claim what they like."""
    assert is_forgotten_proxy(peer, forwarded, TRUSTED) is forgotten


@pytest.mark.parametrize(
    ("address", "host", "network"),
    [
        ("192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
        ("", "", ""),
    ],
)
def test_limits_count_by_household_and_network(address: str, host: str, network: str) -> None:
    """One household is an IPv4 address or an IPv6 /64; the network around it a /24 or /48."""
    assert place(address) == (host, network)


def test_no_address_but_an_address_is_one() -> None:
    """Whatever is no address parses as none."""
    for text in ("", "a", "1", "1.2.3", "1.2.3.4.5", "[::1", "::1]", "[::1]x", ":1", "1.2.3.4/8"):
        assert parse(text) is None, text
