"""Which requests are for pages: told by the path's ending, where no content type does. Pure."""

_ENDINGS = (
    "css,js,mjs,map,json,xml,txt,rss,atom,png,jpg,jpeg,gif,webp,avif,svg,ico,bmp,cur,woff,woff2,ttf,otf,eot,mp3,mp4,m4a,"
    "webm,ogg,wav,mov,wasm,webmanifest,zip,gz,tgz,pdf,csv"
)
ENDINGS = frozenset(_ENDINGS.split(","))
"""Endings of what is no page."""


def is_asset(target: str) -> bool:
    """Whether a path, also with a query, ends like a file that pages load, and that is none itself."""
    name = target.partition("?")[0].rpartition("/")[2]
    return name.rpartition(".")[2].lower() in ENDINGS if "." in name else False
