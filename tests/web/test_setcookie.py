"""The Set-Cookie writer: exact, and deaf to injections."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.web.setcookie import MAX_AGE, set_cookie


def test_the_choice_cookie() -> None:
    """Name, value, path, age, SameSite; then domain and flags where wanted."""
    plain = set_cookie("consent", "1.a", max_age=60, secure=False)
    full = set_cookie(
        "c", "v", max_age=0, domain="example.com", secure=True, http_only=True, same_site="None", partitioned=True
    )

    assert plain == "consent=1.a; Path=/; Max-Age=60; SameSite=Lax"
    assert full == "c=v; Path=/; Max-Age=0; SameSite=None; Domain=example.com; Secure; HttpOnly; Partitioned"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a=b"},
        {"value": "a;b"},
        {"value": "a,b"},
        {"value": "a b"},
        {"value": "a\r\nSet-Cookie: b=c"},
        {"value": "\x00"},
        {"value": "ä"},
        {"value": '"quoted"'},
        {"domain": "example.com; Secure"},
        {"domain": ".example.com"},
        {"domain": "Example.com"},
        {"path": "a"},
        {"path": "/;"},
        {"max_age": -1},
        {"max_age": MAX_AGE + 1},
        {"secure": False, "same_site": "None"},
        {"secure": False, "partitioned": True},
        {"secure": False, "name": "__Secure-a"},
        {"name": "__Host-a", "domain": "example.com"},
        {"name": "__Host-a", "path": "/a"},
    ],
    ids=str,
)
def test_what_does_not_fit_is_an_error(change: dict[str, Any]) -> None:
    """Nothing outside the grammar, and no combination that browsers drop, is ever written."""
    fields: dict[str, Any] = {"name": "a", "value": "b", "max_age": 1, "secure": True} | change

    with pytest.raises(ValueError, match=r"cookie|domain"):
        set_cookie(fields.pop("name"), fields.pop("value"), **fields)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_text_ever_opens_a_second_attribute(name: str, value: str, domain: str, path: str) -> None:
    """Whatever is put in, what comes out has exactly the attributes that were asked for."""
    try:
        header = set_cookie(name, value, max_age=1, domain=domain, path=path, secure=True)
    except ValueError:
        return
    assert header.count(";") == 4 + bool(domain)
    assert header.isascii() and header.isprintable()
