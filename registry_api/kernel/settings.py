"""What a deployment can set, read once from the environment (``REGISTRY_…``)."""

from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_HEADERS_OF_CALLERS = frozenset({"authorization", "cookie", "dpop", "host", "content-type", "x-forwarded-for"})
_LONGEST_DEADLINE = 10.0
_SMTP_SCHEMES = frozenset({"smtp", "smtps"})
_REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})
_REDIS_OPTIONS = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})


class Settings(BaseSettings):
    """The deployment's settings. Every field is an environment variable with the prefix ``REGISTRY_``."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_", extra="ignore", frozen=True, hide_input_in_errors=True)

    environment: Literal["development", "production"] = "production"
    """In development, and nowhere else, staff sign in at a provider inside the service that believes anybody."""
    state_dir: Path = Path(".state")
    """Where the embedded database and the local keys live."""
    database_url: SecretStr | None = None
    """``postgresql+asyncpg://…`` of whoever runs a command; of the owner for ``migrate`` and ``set-up``. Where none of
    the four is given, the embedded PostgreSQL is started in ``state_dir``."""
    api_database_url: SecretStr | None = None
    """The same database, under a login of ``registry_api``: what the service answers requests with."""
    register_database_url: SecretStr | None = None
    """The same, under a login of ``registry_register``: what it keeps the register with."""
    sequencer_database_url: SecretStr | None = None
    """The same, under a login of ``registry_sequencer``: what the log is signed with."""
    pool_size: int = Field(default=16, ge=1, le=200)
    """Database connections of each worker, and so the requests that it handles at once. What comes on top waits its
    turn, first come first served, for ``queue_seconds`` at the most, and is then turned away with 503."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    base_url: str = Field(default="", pattern=r"^(https?://[^/?#]+(/[^?#]*[^/?#])?)?$", validate_default=True)
    """Where callers reach the service, without a slash at the end: the issuer of its tokens and their audience. Where
    none is given, the host and port themselves."""
    workers: int = Field(default=2, ge=1, le=64)
    trusted_proxies: str = ""
    """The addresses or networks, separated by commas, of proxies whose ``X-Forwarded-For`` says who called."""

    client_certificate_header: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    """The header in which these proxies pass on the certificate of a caller's system (RFC 9440; the URL-encoded PEM of
    nginx is understood too): name it once they set or remove it in every request. From anybody else it is dropped."""
    client_certificate_url: str = Field(default="", pattern=r"^(https://[^/?#]+(/[^?#]*[^/?#])?)?$")
    """Where callers show certificates, if not at ``base_url``: the same service by another name."""
    identity_file: Path | None = None
    """Who vouches for individuals: the providers of other organisations, and the one at which staff sign in (TOML)."""
    session_idle_minutes: int = Field(default=20, ge=1, le=120)
    session_hours: int = Field(default=10, ge=1, le=24)
    step_up_minutes: int = Field(default=10, ge=1, le=60)
    """How long having proven oneself anew opens restricted records."""

    log_origin: str = Field(default="", pattern=r"^[^\s+]*$", validate_default=True)
    """What the access log is called: an address without its scheme, which is the name of its keys. It is looked at
    once, when the keys are made. Where none is given, that of ``base_url`` with ``/log``."""
    log_deadline_seconds: float = Field(default=2.0, gt=0, le=60)
    """How long an enquirer waits for their entry to be under a signed head; then nothing is disclosed. In production
    ten seconds at the most: who stands in a kitchen is told to telephone, and not left waiting."""
    log_sequencer: Literal["inside", "separate"] = "inside"
    """Whether the workers sign the access log, or `registry-api sequencer` does, which alone has the keys then."""

    smtp_url: SecretStr | None = None
    """The mail server, for checkpoints: ``smtp://USER:PASSWORD@HOST:587`` (with STARTTLS) or ``smtps://…``. Without TLS
    only on this machine itself."""
    mail_from: str = Field(default="", pattern=r"^([^@\s,]+@[^@\s,]+)?$")
    log_mail_to: str = Field(default="", pattern=r"^([^@\s,]+@[^@\s,]+(,[^@\s,]+@[^@\s,]+)*)?$")
    """Who is sent a checkpoint of the access log each day: addresses, separated by commas. Best those of others."""
    log_tsa_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """A time-stamping authority (RFC 3161), asked once a day for a token over the checkpoint."""
    log_tsa_roots: Path | None = None
    """The certificates (PEM) that the authority's own has to lead to. A token that nobody can check is none."""
    log_witnesses: Path | None = None
    """Who signs that the log only grows, and where they are asked (C2SP tlog-policy; tlog-witness)."""

    profile: str = "jersey"
    """The procedure profile of the authority: a file of ``policies/procedures/``."""
    agreement_review_months: int = Field(default=12, ge=1, le=60)
    """How long after it was reviewed a data-sharing agreement has to be reviewed again."""

    body_limit_bytes: int = Field(default=64 * 1024, ge=1024)
    body_seconds: float = Field(default=10.0, gt=0)
    """How long the body of a request may take to arrive."""
    queue_seconds: float = Field(default=2.0, gt=0)
    enquiries_per_minute_organisation: int = Field(default=600, ge=1)
    enquiries_per_minute_professional: int = Field(default=30, ge=1)
    requests_per_minute_address: int = Field(default=600, ge=1)
    """Requests without an established enquirer, as for a token, from one network address, to each of those routes."""
    health_checks_per_minute_address: int = Field(default=1200, ge=1)
    """Questions after one worker's health from one network address; counted by that worker alone."""
    failed_authentications_per_minute_address: int = Field(default=30, ge=1)
    """Failures to show who is asking, from one network address; past it, it is not even looked at. Not for those who
    have shown it from there before (docs/adr/0013)."""
    redis_url: SecretStr | None = None
    """``rediss://…``, ``redis://…`` or ``unix://…``: where workers add up their counts; without it, the database."""

    @field_validator("base_url")
    @classmethod
    def _own_address(cls, given: str, known: ValidationInfo) -> str:
        return given or f"http://{known.data.get('host')}:{known.data.get('port')}"

    @field_validator("log_deadline_seconds")
    @classmethod
    def _soon(cls, given: float, known: ValidationInfo) -> float:
        if given > _LONGEST_DEADLINE and known.data.get("environment") != "development":
            raise ValueError("nobody is kept waiting for so long")
        return given

    @field_validator("log_origin")
    @classmethod
    def _own_log(cls, given: str, known: ValidationInfo) -> str:
        return given or f"{str(known.data.get('base_url')).partition('://')[2]}/log"

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, given: str) -> str:
        # Whoever is trusted chooses the address that they are counted under: so never everybody.
        networks = [ip_network(address.strip()) for address in given.split(",") if address.strip()]
        if any(network.prefixlen == 0 for network in networks):
            raise ValueError("everybody is no proxy")
        return ",".join(map(str, networks))

    @field_validator("client_certificate_header")
    @classmethod
    def _from_proxies(cls, given: str, known: ValidationInfo) -> str:
        if given in _HEADERS_OF_CALLERS:
            raise ValueError("callers send this one themselves")
        if given and not known.data.get("trusted_proxies"):
            raise ValueError("nobody is trusted to pass a certificate on")
        return given

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            url = urlsplit(given.get_secret_value())
            # Whatever else the client takes from an address could switch a safeguard off: the check of certificates.
            if (
                url.scheme not in _REDIS_SCHEMES
                or not parse_qs(url.query, keep_blank_values=True).keys() <= _REDIS_OPTIONS
            ):
                raise ValueError("no address of a Redis server")
        return given

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if self.log_mail_to and not (self.smtp_url and self.mail_from):
            raise ValueError("mail needs a server and a sender")
        if bool(self.log_tsa_url) != (self.log_tsa_roots is not None):
            raise ValueError("a time-stamping authority needs its address and its certificates")
        return self

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            url = urlsplit(given.get_secret_value())
            if url.scheme not in _SMTP_SCHEMES or not url.hostname or url.path.strip("/") or url.query:
                raise ValueError("no address of a mail server")
        return given

    @property
    def embedded(self) -> bool:
        """Whether the database is the one in the state folder."""
        urls = (self.database_url, self.api_database_url, self.register_database_url, self.sequencer_database_url)
        return not any(urls)

    @property
    def development(self) -> bool:
        """Whether this is no deployment for real people."""
        return self.environment == "development"

    @cached_property
    def keys_file(self) -> Path:
        """Where the local key provider keeps the key-encryption and index keys."""
        return self.state_dir / "keys.json"

    @cached_property
    def log_keys_file(self) -> Path:
        """Where the keys that sign the access log are, with the fence beside them."""
        return self.state_dir / "log-keys"

    @cached_property
    def signing_keys_file(self) -> Path:
        """Where the authorization server keeps the keys that sign its access tokens."""
        return self.state_dir / "signing-keys.json"
