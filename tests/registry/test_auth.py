"""How long a token is used, and who shares it: by a clock of the test's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from ferrule.oci.reference import parse_reference
from ferrule.registry.access import Access
from ferrule.registry.answer import Answer
from ferrule.registry.auth import Authorizer
from tests.registry.world import KEEPER, Table

SHOP, CAFE = (Access().pull(parse_reference(f"ghcr.io/acme/{name}")) for name in ("shop", "cafe"))
CHALLENGE = ('Bearer realm="https://ghcr.io/token",service="ghcr.io"',)


@dataclass(kw_only=True)
class Realm:
    """A token server: the tokens are numbered. `now` is what the clock shows."""

    said: Mapping[str, Any] = field(default_factory=dict)
    asked: int = 0
    now: float = 1000.0

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        self.asked += 1
        return Answer(status=200, url=url, body=msgspec.json.encode({"token": f"t{self.asked}", **self.said}))

    def authorizer(self) -> Authorizer:
        return Authorizer(access=Access(), logins=Table(login=KEEPER), ask=self, clock=lambda: self.now)


@pytest.mark.parametrize(
    ("said", "life"),
    [
        ({}, 50),
        ({"expires_in": 5}, 50),
        ({"expires_in": 300}, 290),
        ({"expires_in": 10**9}, 24 * 3600 - 10),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(said: Mapping[str, Any], life: float) -> None:
    realm = Realm(said=said)
    authorizer = realm.authorizer()
    assert authorizer.header(SHOP) is None
    assert authorizer.renew(SHOP, CHALLENGE, None) == "Bearer t1"
    realm.now += life - 1
    assert authorizer.header(SHOP) == "Bearer t1"
    realm.now += 1
    assert authorizer.header(SHOP) == "Bearer t2"


def test_who_comes_with_an_old_token_gets_the_new_one_that_another_has_fetched() -> None:
    realm = Realm()
    authorizer = realm.authorizer()
    old = authorizer.renew(SHOP, CHALLENGE, None)
    assert [authorizer.renew(SHOP, CHALLENGE, old) for _ in range(2)] == ["Bearer t2"] * 2
    assert realm.asked == 2


def test_another_repository_has_another_token_and_needs_no_refusal_first() -> None:
    realm = Realm()
    authorizer = realm.authorizer()
    authorizer.renew(SHOP, CHALLENGE, None)
    assert authorizer.header(CAFE) == "Bearer t2"
    assert authorizer.header(SHOP) == "Bearer t1"
