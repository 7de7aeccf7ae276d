"""Signed tokens of an OpenID provider (RFC 7515, 7517, 7518): RS256, PS256 and ES256, and nothing else. Pure."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MAX_LENGTH = 16_384
"""Characters of a token."""

LEAST_BITS = 2_048
"""Of an RSA key (RFC 7518, 3.3)."""


class Untrue(ValueError):  # noqa: N818  # what is told of a token
    """A token that is malformed, or not signed by one of these keys."""


class Head(msgspec.Struct):
    """What a token says of its signature. `crit` names what a reader has to understand: we understand none."""

    alg: str
    kid: str = ""
    crit: list[str] | None = None


class Jwk(msgspec.Struct):
    """A public key."""

    kty: str
    kid: str = ""
    use: str = "sig"
    alg: str = ""
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""


class Jwks(msgspec.Struct):
    """A provider's keys."""

    keys: list[Jwk]


def claims(token: str, keys: Sequence[Jwk]) -> dict[str, Any]:
    """What a token says, once its signature holds. Raises Untrue."""
    parts = token.split(".")
    if len(token) > MAX_LENGTH or len(parts) != 3:
        raise Untrue("it is no signed token")
    head = _json(parts[0], Head)
    if head.crit is not None:
        raise Untrue("it asks for what is not understood")
    signed, signature = f"{parts[0]}.{parts[1]}".encode("ascii", "replace"), _bytes(parts[2])
    fitting = [
        key for key in keys if key.use == "sig" and key.alg in ("", head.alg) and key.kid == (head.kid or key.kid)
    ]
    if not any(_holds(head.alg, key, signature, signed) for key in fitting):
        raise Untrue("its signature does not hold")
    said: dict[str, Any] = _json(parts[1], dict[str, Any])
    return said


def _holds(alg: str, key: Jwk, signature: bytes, signed: bytes) -> bool:
    try:
        if alg == "ES256" and key.kty == "EC" and key.crv == "P-256" and len(signature) == 64:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            _curve_key(key).verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
            return True
        if alg in ("RS256", "PS256") and key.kty == "RSA":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            _rsa_key(key).verify(signature, signed, pss if alg == "PS256" else padding.PKCS1v15(), hashes.SHA256())
            return True
    except (InvalidSignature, ValueError):
        return False
    return False


def _rsa_key(key: Jwk) -> rsa.RSAPublicKey:
    found = rsa.RSAPublicNumbers(_number(key.e), _number(key.n)).public_key()
    if found.key_size < LEAST_BITS:
        raise Untrue("its key is too short")
    return found


def _curve_key(key: Jwk) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(_number(key.x), _number(key.y), ec.SECP256R1()).public_key()


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Untrue("it is not base64url") from error


def _json(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(_bytes(text), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Untrue("it is not the JSON that was expected") from error
