"""Every setting, once: from a TOML file, over it the environment (`CONSENT_*`), over that the command line."""

import difflib
import itertools
import re
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from consent.errors import ConfigError

PREFIX = "CONSENT_"
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one service. `load` is how it is made; a Config made by hand is not checked."""

    #: Address and port to listen on; port 0 takes a free one.
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8_000
    #: Folder of everything the service writes.
    data: Path = Path("data")
    #: How browsers reach the service; empty means http://host:port.
    public_url: str = ""
    #: Networks (CIDR) whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ()
    #: Header in which a trusted proxy names the visitor's country or region, such as CF-IPCountry.
    region_header: str = ""
    #: Country or city database (.mmdb) to find the visitor's region in.
    geo_database: Path | None = None
    #: Whether names of addresses that a policy keeps in full are asked for: the resolver learns who comes.
    reverse_dns: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    #: Consent posts a minute from one address (IPv6: one /64), ten times as many from its network, and to one site.
    rate_address: Positive = 120
    rate_site: Positive = 12_000
    #: The same of posts of events, which are counted apart and dropped first.
    rate_events_address: Positive = 600
    rate_events_site: Positive = 120_000
    #: Days for which a record is kept after its choice has ended; 0: as long as the visitor's law says.
    proof_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    #: Connections open at once from one address (not from trusted proxies), and altogether.
    connections_address: Positive = 128
    connections: Positive = 8_000
    #: Whether everybody may read the logs (/log/, /.well-known/consent-log/): the second and the kind of every choice.
    public_log: bool = True
    #: Witnesses that cosign the install's log: "URL KEY" each.
    witnesses: tuple[str, ...] = ()
    #: Where mail is sent through: "smtps://host:465", or "smtp://host:587" with STARTTLS; empty: none is sent.
    mail_server: str = ""
    #: Who signs in at the mail server, where it asks for that.
    mail_user: str = ""
    mail_password: str = ""
    #: The sender of mail, such as "Consent <consent@example.com>".
    mail_from: str = ""
    #: Folder of the daily export; none: no export. Its format, and how many days are kept.
    export_folder: Path | None = None
    export_format: Literal["csv", "ndjson", "parquet"] = "ndjson"
    export_keep: Positive = 30
    #: Which sites are exported daily, and which rows of them; none: all.
    export_sites: tuple[str, ...] = ()
    export_rows: tuple[Literal["log", "visitors", "sessions", "events"], ...] = ()

    #: Networks (CIDR) from which people may sign in; none: from everywhere.
    console_networks: tuple[str, ...] = ()
    #: Whether who signs in with a password has to have an authenticator.
    console_authenticator: bool = False
    #: Days for which it is kept who looked at personal data.
    access_days: Positive = 365
    #: An OpenID provider that people may sign in with: its issuer, our name there, the file of our secret, its name.
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret_file: Path | None = None
    oidc_name: str = "your organisation"

    @property
    def base_url(self) -> str:
        """The service's origin without a slash at the end, as browsers see it."""
        near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # listening everywhere
        host = f"[{near}]" if ":" in near else near
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def store(self) -> Path:
        """The file of the store."""
        return self.data / "consent.sqlite"

    @property
    def telemetry_store(self) -> Path:
        """The file of the visitors' log."""
        return self.data / "telemetry.sqlite"

    @property
    def backup_note(self) -> Path:
        """The file that says when the last backup was made, in ms since 1970."""
        return self.data / "last-backup"

    @property
    def witness_pairs(self) -> list[tuple[str, str]]:
        """Address and key of each witness; in the environment they follow each other."""
        words = " ".join(self.witnesses).split()
        return list(itertools.zip_longest(words[::2], words[1::2], fillvalue=""))

    @property
    def console(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks from which people may sign in, parsed."""
        return tuple(ip_network(text) for text in self.console_networks)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The trusted proxies, parsed."""
        return tuple(ip_network(text) for text in self.trusted_proxies)


FIELDS = {
    name: hint for name, hint in get_type_hints(Config, include_extras=True).items() if name in Config.__struct_fields__
}


def load(path: Path | None, env: Mapping[str, str], overrides: Mapping[str, Any]) -> Config:
    """Settings of the file, over them those of the environment, over them `overrides` (None: not given).

    Raises ConfigError with the path of the setting and what to write instead.
    """
    values = (_read_file(path) if path else {}) | _read_environment(env)
    values |= {key: value for key, value in overrides.items() if value is not None}
    for key in values:
        if key not in FIELDS:
            raise ConfigError(key, f"There is no setting named {key}.", _nearest(key, list(FIELDS)))
    config = Config(**{key: _typed(key, value) for key, value in values.items()})
    _check(config)
    return config


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            str(path), f"The file {path} cannot be read: {error.strerror}.", "Name another with --config."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"{path} is not TOML: {error}.", "Correct that line.") from error


def _read_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """`CONSENT_PORT=9000` is `port = 9000`; lists are separated by commas or spaces."""
    values: dict[str, Any] = {}
    for name, text in env.items():
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in FIELDS:
            known = [PREFIX + field.upper() for field in FIELDS]
            raise ConfigError(name, f"There is no setting named {name}.", _nearest(name, known))
        listed = get_origin(FIELDS[key]) is tuple
        values[key] = [part for part in re.split(r"[,\s]+", text) if part] if listed else text
    return values


def _typed(key: str, value: Any) -> Any:
    """The value in the setting's type; a text from the environment may stand for a number."""
    hint = FIELDS[key]
    if Path in (hint, *get_args(hint)):
        if isinstance(value, str | Path) and str(value):
            return Path(value)
        raise ConfigError(key, f"{key} is to be a path, not {value!r}.", f'Write {key} = "path/to/it".')
    try:
        return msgspec.convert(value, hint, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        sentence = str(error).replace(" - at `$", f" - at `{key}")
        raise ConfigError(key, f"{key} = {value!r}: {sentence}.", f"Its default is {_default(key)}.") from error


def _check(config: Config) -> None:
    """What types cannot say. Raises ConfigError."""
    for name in ("trusted_proxies", "console_networks"):
        for index, text in enumerate(getattr(config, name)):
            try:
                ip_network(text)
            except ValueError as error:
                remedy = 'Write networks as "10.0.0.0/8", one address as "192.0.2.1".'
                raise ConfigError(f"{name}[{index}]", f"{text!r} is no network: {error}.", remedy) from error
    _check_provider(config)
    if config.public_url:
        url = urlsplit(config.public_url)
        if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/") or url.query:
            remedy = 'Write scheme and host, such as "https://consent.example.com".'
            raise ConfigError("public_url", f"{config.public_url!r} is not the address of a service.", remedy)
    if config.mail_server:
        _check_mail(config)
    for index, (where, key) in enumerate(config.witness_pairs):
        if not re.fullmatch(r"https?://\S+", where) or not re.fullmatch(r"[^+]+\+[0-9a-f]{8}\+\S+", key):
            remedy = 'Write "https://witness.example.com NAME+ID+KEY", as `consent witness serve` prints it.'
            raise ConfigError(f"witnesses[{index}]", "A witness is its address, a space, and its key.", remedy)
    if config.region_header and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", config.region_header):
        raise ConfigError("region_header", f"{config.region_header!r} is no header's name.", 'Such as "CF-IPCountry".')


def _check_mail(config: Config) -> None:
    server = urlsplit(config.mail_server)
    if server.scheme not in ("smtp", "smtps") or not server.hostname or server.path not in ("", "/") or server.username:
        remedy = 'Write "smtps://mail.example.com:465" or "smtp://mail.example.com:587"; the user stands in mail_user.'
        raise ConfigError("mail_server", f"{config.mail_server!r} is not the address of a mail server.", remedy)
    if not re.fullmatch(r"([^<>@\r\n]+ )?<?[^<>@\s]+@[^<>@\s]+>?", config.mail_from):
        remedy = 'Write "consent@example.com" or "Consent of Example <consent@example.com>".'
        raise ConfigError("mail_from", f"{config.mail_from!r} cannot be the sender of mail.", remedy)


def _check_provider(config: Config) -> None:
    """The provider of sign-ins. Raises ConfigError."""
    issuer = urlsplit(config.oidc_issuer)
    if config.oidc_issuer and (issuer.scheme != "https" and issuer.hostname not in ("127.0.0.1", "::1", "localhost")):
        remedy = "Write it as the provider does, with https."
        raise ConfigError("oidc_issuer", f"{config.oidc_issuer!r} is no safe issuer.", remedy)
    if config.oidc_issuer and not config.oidc_client:
        raise ConfigError("oidc_client", "A provider needs to know us.", "Write the client id that it gave you.")


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(known)}."


def _default(key: str) -> str:
    value = getattr(Config(), key)
    return str(list(value)) if isinstance(value, tuple) else repr(value)
