"""An OpenID provider that people may sign in with (OpenID Connect Core 1.0; code flow with PKCE, RFC 7636)."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from consent.accounts import jose
from consent.config import Config
from consent.errors import Forbidden, Unavailable
from consent.web.fetch import Answer, fetch

T = TypeVar("T")

KEPT = 3_600_000
"""Milliseconds for which a provider's description and keys are taken as they were."""

SKEW = 60
"""Seconds that its clock may be off."""

AT_ONCE = 4
"""Requests to the provider at the same time."""


class Described(msgspec.Struct):
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(default_factory=lambda: ["client_secret_basic"])


class Tokens(msgspec.Struct):
    """What a code is exchanged for; the rest is not looked at."""

    id_token: str


class Journey(msgspec.Struct, array_like=True):
    """What is remembered between the way to the provider and the way back, sealed in a cookie."""

    state: str
    nonce: str
    verifier: str
    to: str
    begun: int
    again: bool


class Vouched(NamedTuple):
    """Whom the provider vouches for; `email` is empty unless it has verified the address."""

    issuer: str
    subject: str
    email: str


class Provider:
    """The one provider of the settings."""

    def __init__(self, config: Config, now: Callable[[], int]) -> None:
        self.name = config.oidc_name
        self.works = bool(config.oidc_issuer)
        self._config = config
        self._now = now
        self._back = f"{config.base_url}/account/provider/back"
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._described: tuple[int, Described] | None = None
        self._keys: tuple[int, list[jose.Jwk]] = (0, [])

    async def begin(self, to: str, *, again: bool) -> tuple[str, Journey]:
        """Where to send the browser, and what to remember. `again` makes the provider ask for the password."""
        described = await self._description()
        journey = Journey(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), to, self._now(), again
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(journey.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self._config.oidc_client, "redirect_uri": self._back,
            "scope": "openid email", "state": journey.state, "nonce": journey.nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        asked |= {"prompt": "login", "max_age": "0"} if again else {}
        mark = "&" if "?" in described.authorization_endpoint else "?"
        return f"{described.authorization_endpoint}{mark}{urlencode(asked)}", journey

    async def finish(self, code: str, issuer: str, journey: Journey) -> Vouched:
        """Whom the code stands for. Raises Forbidden for what cannot be trusted, Unavailable without an answer.

        Args:
            code: as it came back.
            issuer: the parameter `iss` of the way back (RFC 9207), where there was one.
            journey: what was remembered.
        """
        described = await self._description()
        if issuer not in ("", described.issuer):
            raise _untrue("the answer is another provider's")
        token = await self._exchange(described, code, journey.verifier)
        said = await self._read(described, token)
        self._check(described, said, journey)
        verified = said.get("email_verified") in (True, "true")
        email = said.get("email") if verified else ""
        return Vouched(described.issuer, str(said["sub"])[:255], email if isinstance(email, str) else "")

    def _check(self, described: Described, said: dict[str, Any], journey: Journey) -> None:
        """Raises Forbidden for a token that is not for us, not for this journey, or not of now (Core, 3.1.3.7)."""
        now, audience = self._now() // 1_000, said.get("aud")
        audience = audience if isinstance(audience, list) else [audience]
        ours = self._config.oidc_client
        if said.get("iss") != described.issuer or not isinstance(said.get("sub"), str) or not said["sub"]:
            raise _untrue("it says another issuer, or nobody")
        if ours not in audience or said.get("azp", ours) != ours or (len(audience) > 1 and "azp" not in said):
            raise _untrue("it is for somebody else")
        if not secrets.compare_digest(str(said.get("nonce", "")), journey.nonce):
            raise _untrue("it belongs to another sign-in")
        ends, made = said.get("exp"), said.get("iat")
        if not isinstance(ends, int | float) or not isinstance(made, int | float):
            raise _untrue("it does not say when it was made, or when it ends")
        if ends <= now - SKEW or made > now + SKEW:
            raise _untrue("it is over, or of the future")
        signed_in = said.get("auth_time")
        if journey.again and not (
            isinstance(signed_in, int | float) and signed_in >= journey.begun // 1_000 - SKEW
        ):  # fmt: skip
            raise _untrue("the password was not asked for again")

    async def _description(self) -> Described:
        if self._described is None or self._now() - self._described[0] > KEPT:
            root = self._config.oidc_issuer.rstrip("/")
            answer = await self._ask(f"{root}/.well-known/openid-configuration")
            found = _decoded(answer, Described)
            if found.issuer != self._config.oidc_issuer:
                raise _untrue("it calls itself another issuer than the settings do")
            for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                parts = urlsplit(url)
                if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
                    raise _untrue("one of its addresses is not safe")
            self._described = (self._now(), found)
        return self._described[1]

    async def _exchange(self, described: Described, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back, "code_verifier": verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        secret = self._secret()
        if secret and "client_secret_basic" in described.token_endpoint_auth_methods_supported:
            pair = f"{quote(self._config.oidc_client, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": self._config.oidc_client} | ({"client_secret": secret} if secret else {})
        answer = await self._ask(described.token_endpoint, urlencode(form).encode(), headers)
        return _decoded(answer, Tokens).id_token

    async def _read(self, described: Described, token: str) -> dict[str, Any]:
        """What a token says; keys are asked for once more when none of those that are known fits."""
        for fresh in (False, True):
            try:
                return jose.claims(token, await self._known(described, fresh))
            except jose.Untrue as untrue:
                if fresh:
                    raise _untrue(str(untrue)) from untrue
        raise AssertionError("unreachable")

    async def _known(self, described: Described, fresh: bool) -> list[jose.Jwk]:
        at, keys = self._keys
        if not keys or self._now() - at > (SKEW * 1_000 if fresh else KEPT):
            keys = _decoded(await self._ask(described.jwks_uri), jose.Jwks).keys
            self._keys = (self._now(), keys)
        return keys

    async def _ask(self, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        try:
            async with self._turn:
                answer = await asyncio.to_thread(fetch, url, body, {"User-Agent": "consent-manager", **(headers or {})})
        except OSError as error:
            raise Unavailable("The provider does not answer.") from error
        if 400 <= answer.status < 500:
            raise _untrue("the provider refused it")
        if answer.status != 200:
            raise Unavailable("The provider cannot answer now.")
        return answer

    def _secret(self) -> str:
        path = self._config.oidc_secret_file
        return path.read_text("utf-8").strip() if path else ""


def _decoded(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _untrue("its answer cannot be read") from error


def _untrue(why: str) -> Forbidden:
    sentence = f"What the provider said cannot be trusted: {why}."
    return Forbidden("provider", sentence, "Begin again; if that does not help, tell whoever runs this service.")
