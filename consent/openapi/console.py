"""Pages and forms of who is signed in, with their JSON faces."""

from consent.openapi.parts import HTML, OBJECT, STORE, TEXT, TOKENS, Json, answered, read_at, refusals, seen

_IN = {
    "s401": "Nobody is signed in.",
    "s403": "Who is signed in may not, or from here may not.",
    "s429": TOKENS,
    "s503": STORE,
}
_CONSOLE: list[Json] = [{"session": []}, {"token": []}]


def page_of(summary: str) -> Json:
    """A page for who is signed in; a browser without a session is sent to sign in (303)."""
    read = read_at(summary, HTML)
    read["get"]["responses"] |= seen(**_IN, s404="There is no such site or account.")
    read["get"]["responses"]["303"] = answered("To the sign-in page, or where the password is asked for again.")
    return {"get": read["get"] | {"security": [{"session": []}]}}


def form_of(summary: str, needs: str = "session") -> Json:
    """A form that is sent: done, and back to a page, or the page again with what was wrong."""
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    post = {
        "summary": summary,
        "requestBody": {"required": False, "content": form},
        "responses": {
            "303": answered("Done; to the page that shows it."),
            "200": answered("Done; shown this once.", HTML),
            **seen(
                **_IN,
                s400="The form cannot be read.",
                s404="What it names is not there any more.",
                s413="The body is too large.",
                s415="The body is no form.",
                s422="The page again, with what was wrong.",
            ),
        },
    }
    return {"post": post | ({"security": [{needs: []}]} if needs else {})}


def data_of(summary: str) -> Json:
    """The JSON face of a page."""
    faults = {**_IN, "s404": "There is no such site.", "s422": "A parameter does not fit."}
    return {"get": read_at(summary, OBJECT, **faults)["get"] | {"security": _CONSOLE}}


def entry_of(summary: str) -> Json:
    """A page for who is not signed in yet."""
    answers = {"200": answered(summary, HTML), "303": answered("To the OpenID provider.")}
    refused = seen(
        s403="Nobody signs in from this network, or what came back cannot be trusted.",
        s404="The link was used or is too old, or no provider is set up.",
        s503="The store or the provider does not answer.",
    )
    return {"get": {"summary": summary, "responses": answers | refused}}


ACCOUNTS: dict[str, Json] = {
    "/account/sign-in": {
        **entry_of("The sign-in page."),
        **form_of("Sign in.", needs=""),
    },
    "/account/provider": entry_of("To the OpenID provider, where one is set up."),
    "/account/provider/back": entry_of("Back from the provider, signed in."),
    "/account/sign-out": form_of("Sign out, here and in the store.", needs=""),
    "/account/link/{token}": {
        **entry_of("The page of a link that lets somebody in once."),
        **form_of("Use the link: make the account, or set its password.", needs=""),
    },
    "/account/confirm": {**page_of("Asks for the password again."), **form_of("The password was given again.")},
    "/account": page_of("One's own account."),
    "/account.json": data_of("The same as JSON."),
    "/account/password": form_of("Change the password; every other session ends."),
    "/account/authenticator": {
        **page_of("A new secret for an authenticator."),
        **form_of("The authenticator works: from now on a code is asked for."),
    },
    "/account/authenticator/off": form_of("No code is asked for any more."),
    "/account/sessions/end": form_of("Every other session ends."),
    "/account/tokens": {**page_of("What a token is to be made for."), **form_of("Make a token; it is shown once.")},
    "/account/tokens/{id}/remove": form_of("A token opens nothing any more."),
    "/operators": page_of("Who has an account, and what they may do at every site."),
    "/operators.json": data_of("The same as JSON."),
    "/operators/list": {
        "post": {
            "summary": "Reads the people of a CSV or Excel file; keeps nothing.",
            "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": TEXT}}},
            "responses": {
                "200": answered("The lines for the form.", OBJECT),
                **refusals(**_IN, s413="The file is too large.", s422="The file cannot be read."),
            },
            "security": [{"session": []}],
        }
    },
    "/operators/invite": form_of("Invite somebody."),
    "/operators/import": form_of("Invite everybody of a list."),
    "/operators/role": form_of("Give or take a role."),
    "/operators/link": form_of("Another link for somebody who lost it, or their password."),
    "/operators/remove": form_of("Remove an account."),
    "/operators/networks": form_of("Let an account sign in from some networks alone."),
    "/operators/sessions": form_of("Sign somebody out wherever they are signed in."),
    "/operators/authenticator": form_of("Forget somebody's authenticator."),
    "/operators/{site}": page_of("Who may do what at a site."),
    "/operators/{site}.json": data_of("The same as JSON."),
    "/operators/{site}/invite": form_of("Invite somebody for a site."),
    "/operators/{site}/import": form_of("Invite everybody of a list for a site."),
    "/operators/{site}/role": form_of("Give or take a role at a site."),
    "/access": page_of("The access log of what concerns no single site."),
    "/access.json": data_of("The same as JSON."),
    "/access/{site}": page_of("Every look at personal data of a site."),
    "/access/{site}.json": data_of("The same as JSON."),
}
_LOOK_FAULTS = {
    "s401": "Nobody is signed in, and there is no token.",
    "s403": "Who asks may not do this here.",
    "s404": "There is no such site, or nothing of that name at it.",
    "s422": "A parameter does not fit; `field` names it.",
    "s429": TOKENS,
    "s503": STORE,
}
AWAY = {"303": answered("To another page: to sign in, or to the only site there is.")}
_PAGES = {
    "overview": "Choices over time, by purpose, and in the last hour.",
    "consent": "Choices by one dimension, compared with another time or version.",
    "log": "Records, the newest first.",
    "log/{record}": "One record, and a check of its proof.",
    "visits": "Visits in numbers, all or by one dimension.",
    "visitors": "Visitors who agreed and came most often.",
    "visitors/{visitor}": "The history of one visitor who agreed.",
    "services": "What browsers refused to load, and the services declared.",
    "health": "How the service is.",
    "site": "Versions of the policy, lines to paste, cookies declared.",
}


def signed(summary: str, content: Json) -> Json:
    """An address for who is signed in, or bears a token."""
    read = read_at(summary, content, **_LOOK_FAULTS)
    read["get"]["responses"] |= AWAY
    return read


def faces() -> dict[str, Json]:
    """The pages of analysts and their JSON faces."""
    found: dict[str, Json] = {}
    for page, says in _PAGES.items():
        found[f"/sites/{{site}}/{page}.json"] = signed(says, OBJECT)
        found[f"/sites/{{site}}/{page}"] = signed(f"A page: {says[0].lower()}{says[1:]}", HTML)
    look = {
        "summary": "Looks whether a page of the site's own carries the lines.",
        "responses": {
            "200": answered("The page, with what was found.", HTML),
            **refusals(**_LOOK_FAULTS, s413="The form is too large."),
        },
    }
    found["/sites/{site}/site"]["post"] = look
    found["/sites/{site}/visitors/{visitor}/delete"] = form_of(
        "Delete every row of a visitor who asked for it by letter."
    )
    return found


_NO_LETTERS = "The link stops no letters."
_STOPPED = {
    "summary": "No more letters of this kind; for mail programs, too (RFC 8058).",
    "requestBody": {
        "required": False,
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
    },
    "responses": {"200": answered("Done.", HTML), **refusals(s404=_NO_LETTERS, s503=STORE)},
}
LETTERS: dict[str, Json] = {
    "/account/letters": {**page_of("Which letters come by mail."), **form_of("Letters that are ticked come.")},
    "/account/letters.json": data_of("The same as JSON."),
    "/letters/stop/{token}": {
        **read_at("A page with one button, from a letter's link.", HTML, s404=_NO_LETTERS),
        "post": _STOPPED,
    },
}
