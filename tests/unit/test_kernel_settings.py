"""Where the service says it is reached, which is also who issues its tokens; which proxies it believes; its Redis."""

import pytest
from pydantic import SecretStr, ValidationError

from registry_api.kernel.settings import Settings


def test_without_a_base_url_it_is_the_address_listened_at() -> None:
    assert Settings(host="127.0.0.1", port=9000).base_url == "http://127.0.0.1:9000"


def test_a_base_url_given_stands() -> None:
    assert Settings(base_url="https://register.example/api", port=9000).base_url == "https://register.example/api"


@pytest.mark.parametrize("wrong", ["https://register.example/", "register.example", "ftp://x", "https://x/?q=1"])
def test_a_base_url_that_would_not_be_compared_as_written_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Settings(base_url=wrong)


def test_proxies_are_addresses_or_networks() -> None:
    assert Settings().trusted_proxies == ""
    assert Settings(trusted_proxies="10.0.0.1, fd00::/64").trusted_proxies == "10.0.0.1/32,fd00::/64"


@pytest.mark.parametrize("wrong", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8"])
def test_nobody_and_everybody_is_no_proxy(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=wrong)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "rediss://registry:not-to-be-told@redis.example:6380/1?ssl_ca_certs=/etc/registry/ca.pem",
        "unix:///run/redis/redis.sock?db=2",
    ],
)
def test_where_counts_are_shared_is_a_redis_server(url: str) -> None:
    settings = Settings(redis_url=SecretStr(url))
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url
    assert "not-to-be-told" not in repr(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://registry:not-to-be-told@localhost/registry",
        "memory://not-to-be-told",
        "not-to-be-told",
        "rediss://:not-to-be-told@redis.example?ssl_cert_reqs=none",
        "rediss://:not-to-be-told@redis.example?ssl_check_hostname=false",
        "rediss://:not-to-be-told@redis.example?ssl_cert_reqs=",
        "redis://:not-to-be-told@redis.example?socket_timeout=3600",
    ],
)
def test_an_address_that_switches_a_safeguard_off_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(redis_url=SecretStr(wrong))
    assert "not-to-be-told" not in str(refused.value)


def test_nobody_is_kept_waiting_for_the_log_without_end() -> None:
    assert Settings().log_deadline_seconds == 2
    assert Settings(log_deadline_seconds=10).log_deadline_seconds == 10
    assert Settings(environment="development", log_deadline_seconds=60).log_deadline_seconds == 60
    for environment, seconds in (("production", 10.1), ("development", 61), ("development", 0), ("production", "inf")):
        with pytest.raises(ValidationError):
            Settings(environment=environment, log_deadline_seconds=seconds)
