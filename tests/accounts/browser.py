"""A browser as far as these tests need one: it keeps its own cookies, and says where its requests began."""

from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Browser:
    """One of several that visit the same service."""

    def __init__(self, client: TestClient, address: str = "") -> None:
        self._client = client
        self._address = {"X-Forwarded-For": address} if address else {}
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Response:
        """Look at a page."""
        return self._ask("GET", path, {"Accept": "text/html", **headers})

    def post(self, path: str, **fields: str) -> Response:
        """Send a form from its page."""
        return self._ask("POST", path, {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}, fields)

    def post_from(self, origin: str, path: str, **fields: str) -> Response:
        """Send a form from somebody else's page."""
        return self._ask("POST", path, {"Origin": origin, "Sec-Fetch-Site": "cross-site"}, fields)

    def sign_in(self, email: str, password: str, **more: str) -> Response:
        """Sign in by the form."""
        return self.post("/account/sign-in", email=email, password=password, **more)

    def me(self) -> dict[str, Any]:
        """What the service says of who is signed in; nothing for nobody."""
        answer = self._ask("GET", "/account.json", {})
        return answer.json() if answer.status_code == 200 else {}

    def _ask(self, method: str, path: str, headers: dict[str, str], fields: dict[str, str] | None = None) -> Response:
        self._client.cookies.clear()
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        answer = self._client.request(
            method, path, headers=headers | sent | self._address, data=fields, follow_redirects=False
        )
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer
