"""Where the service says it is reached, which is also who issues its tokens, and which proxies it believes."""

import pytest
from pydantic import ValidationError

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
