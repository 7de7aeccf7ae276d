"""A provider of our own that checks all that a strict one checks, and lies where a test wants it to."""

import base64
import hashlib
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.accounts import people

CLIENT, SECRET = "consent-manager", "a secret: of ours%"
RSA = rsa.generate_private_key(65_537, 2_048)
SHORT = rsa.generate_private_key(65_537, 1_024)  # too short for anybody
CURVE = ec.generate_private_key(ec.SECP256R1())


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    """A number as a key has it."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str) -> dict[str, str]:
    """The public half of a key."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "kid": kid, "use": "sig", "n": number(public.n), "e": number(public.e)}
    point = key.public_key().public_numbers()
    return {
        "kty": "EC", "crv": "P-256", "kid": kid,
        "x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big")),
    }  # fmt: skip


def sign(alg: str, claims: dict[str, Any], key: Any = None, **head: Any) -> str:
    """A signed token."""
    parts = [{"alg": alg, "kid": "rsa", **head}, claims]
    text = ".".join(b64(json.dumps(part).encode()) for part in parts)
    signed = text.encode()
    if alg == "RS256":
        raw = (key or RSA).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    elif alg == "PS256":
        raw = (key or RSA).sign(signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    elif alg == "ES256":
        r, s = decode_dss_signature((key or CURVE).sign(signed, ec.ECDSA(hashes.SHA256())))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    elif alg == "HS256":
        raw = hashlib.sha256(signed).digest()
    else:
        raw = b""
    return f"{text}.{b64(raw)}"


class Idp:
    """The provider. `lie` changes the claims, `token` makes the token, `described` what it says of itself."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.asked: dict[str, str] = {}
        self.lie: dict[str, Any] = {}
        self.alg = "RS256"
        self.key: Any = None
        self.head: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.keys = [jwk(RSA, "rsa"), jwk(CURVE, "curve")]
        self.codes: set[str] = set()
        self.numbers = itertools.count()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def authorize(self, url: str) -> str:
        """Somebody says yes there: where their browser is led to."""
        self.asked = dict(parse_qsl(urlsplit(url).query))
        assert self.asked["response_type"] == "code"
        assert self.asked["client_id"] == CLIENT
        assert self.asked["code_challenge_method"] == "S256"
        assert set(self.asked["scope"].split()) >= {"openid"}
        code = f"code{next(self.numbers)}"
        self.codes.add(code)
        back = urlsplit(self.asked["redirect_uri"])
        return f"{back.path}?code={code}&state={self.asked['state']}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token for a code, once, to who began it and knows our secret."""
        digest = b64(hashlib.sha256(form["code_verifier"].encode()).digest())
        pair = base64.b64encode(b"consent-manager:a%20secret%3A%20of%20ours%25").decode()
        if form["code"] not in self.codes or digest != self.asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if authorization != f"Basic {pair}" or form["redirect_uri"] != self.asked["redirect_uri"]:
            return 401, {"error": "invalid_client"}
        self.codes.discard(form["code"])
        now = people.now() // 1_000
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "person-1", "nonce": self.asked["nonce"], "iat": now,
            "exp": now + 300, "email": "ann@shop.example", "email_verified": True, "auth_time": now,
        }  # fmt: skip
        claims = {name: value for name, value in (claims | self.lie).items() if value is not None}
        return 200, {"id_token": sign(self.alg, claims, self.key, **self.head), "token_type": "Bearer"}

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()


def _handler(idp: Idp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            base = idp.issuer
            described = {
                "issuer": base, "authorization_endpoint": f"{base}/authorize?tenant=1",
                "token_endpoint": f"{base}/token", "jwks_uri": f"{base}/keys", **idp.described,
            }  # fmt: skip
            self._answer(200, {"keys": idp.keys} if self.path == "/keys" else described)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*idp.exchange(dict(parse_qsl(body)), self.headers.get("Authorization", "")))

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
