"""The kinds of request a page can make: 50 in markup, 59 from script, 3 by a click.

Each kind asks its own host, `KIND.RUN.kinds.test`, so one load of one page measures them all, and nothing of an
earlier load is taken for this one's. In the fragments `{u}` is the kind's URL, `{own}` the folder of the site's own
files that ask for something foreign, `{q}` the URL quoted for a query.
"""

import json
from collections.abc import Iterable
from urllib.parse import quote

DOMAIN = "kinds.test"

HEAD = {
    "s-script": "<script src={u}></script>",
    "s-script-async": "<script async src={u}></script>",
    "s-script-defer": "<script defer src={u}></script>",
    "s-script-module": "<script type=module src={u}></script>",
    "s-link-css": "<link rel=stylesheet href={u}>",
    "s-link-css-print": "<link rel=stylesheet media=print href={u}>",
    "s-preload-script": "<link rel=preload as=script href={u}>",
    "s-preload-img": "<link rel=preload as=image href={u}>",
    "s-preload-font": "<link rel=preload as=font crossorigin href={u}>",
    "s-modulepreload": "<link rel=modulepreload href={u}>",
    "s-prefetch": "<link rel=prefetch href={u}>",
    "s-preconnect": "<link rel=preconnect href={u}>",
    "s-dns-prefetch": "<link rel=dns-prefetch href={u}>",
    "s-icon": "<link rel=icon href={u}>",
    "s-manifest": "<link rel=manifest href={u}>",
    "s-style-import": "<style>@import url({u});</style>",
    "s-style-font": "<style>@font-face{{font-family:k1;src:url({u})}}#f1{{font-family:k1}}</style>",
    "s-style-bg": "<style>#f2{{background:url({u})}}</style>",
    "s-fpcss-import": "<link rel=stylesheet href='{own}style?by=import&u={q}'>",
    "s-fpcss-bg": "<link rel=stylesheet href='{own}style?by=image&id=f3&u={q}'>",
    "s-specrules": "<script type=speculationrules>"
    '{{"prefetch":[{{"source":"list","urls":["{u}"],"eagerness":"immediate"}}]}}</script>',
    "s-fp-redirect-script": "<script src='{own}go?to={q}'></script>",
    "s-importmap": '<script type=importmap>{{"imports":{{"far":"{u}"}}}}</script>'
    '<script type=module>import "far"</script>',
}

BODY = {
    "s-img-lazy": "<img loading=lazy width=9 height=9 src={u}>",
    "s-iframe-lazy": "<iframe loading=lazy width=9 height=9 src={u}></iframe>",
    "s-img": "<img src={u}>",
    "s-pixel-hidden": "<img width=1 height=1 style='display:none' src={u}>",
    "s-img-srcset": "<img srcset='{u} 1x'>",
    "s-picture": "<picture><source srcset={u}><img></picture>",
    "s-iframe": "<iframe src={u}></iframe>",
    "s-srcdoc": "<iframe srcdoc='<img src={u}>'></iframe>",
    "s-video": "<video src={u} preload=auto></video>",
    "s-video-poster": "<video poster={u}></video>",
    "s-video-source": "<video preload=auto><source src={u}></video>",
    "s-audio": "<audio src={u} preload=auto></audio>",
    "s-track": "<video crossorigin src='{own}pixel.gif'><track default kind=subtitles src={u}></video>",
    "s-object": "<object data={u}></object>",
    "s-embed": "<embed src={u}>",
    "s-input-image": "<input type=image src={u}>",
    "s-svg-image": "<svg width=9 height=9><image href={u} width=9 height=9 /></svg>",
    "s-td-background": "<table><tr><td background={u}>x</table>",
    "s-style-attr": "<p style='background:url({u})'>x</p>",
    "s-shadow-img": "<div><template shadowrootmode=open><img src={u}></template></div>",
    "s-fp-redirect-img": "<img src='{own}go?to={q}'>",
    "s-fp-iframe": "<iframe src='/bare/frame?u={q}'></iframe>",
    "s-script-body": "<script src={u}></script>",
    "s-onerror-chain": "<img src='{own}missing.gif' onerror=\"this.onerror=null;this.src='{u}'\">",
    "w-script": "<script>document.write('<script src={u}><\\/script>')</script>",
    "w-img": "<script>document.write('<img src={u}>')</script>",
    "w-iframe": "<script>document.write('<iframe src={u}></iframe>')</script>",
}

# `B`: the body; `el(name, {properties})` makes an element. Each runs by itself: one that throws stops no other.
SCRIPT = {
    "d-script-src": "B.append(el('script',{src:u}))",
    "d-script-setattr": "let s=el('script');s.setAttribute('src',u);B.append(s)",
    "d-script-append-first": "let s=el('script');B.append(s);s.src=u",
    "d-script-module-inline": "B.append(el('script',{type:'module',textContent:`import '${u}'`}))",
    "d-img-new": "new Image().src=u",
    "d-img-srcset": "B.append(el('img',{srcset:u+' 1x'}))",
    "d-img-attrnode": "let a=document.createAttribute('src');a.value=u;"
    "let i=el('img');i.setAttributeNode(a);B.append(i)",
    "d-img-attrvalue": "let i=el('img');i.setAttribute('src','');i.attributes.src.value=u;B.append(i)",
    "d-img-ns": "let i=document.createElementNS('http://www.w3.org/1999/xhtml','img');i.src=u;B.append(i)",
    "d-iframe": "B.append(el('iframe',{src:u}))",
    "d-iframe-late-src": "let f=el('iframe');B.append(f);setTimeout(()=>f.src=u,50)",
    "d-iframe-navigate": "let f=el('iframe');B.append(f);f.contentWindow.location=u",
    "d-innerhtml-img": "let d=el('div');B.append(d);d.innerHTML=`<img src=${u}>`",
    "d-innerhtml-detached": "el('div').innerHTML=`<img src=${u}>`",
    "d-innerhtml-iframe": "let d=el('div');B.append(d);d.innerHTML=`<iframe src=${u}></iframe>`",
    "d-insertadj": "B.insertAdjacentHTML('beforeend',`<img src=${u}>`)",
    "d-outerhtml": "let d=el('div');B.append(d);d.outerHTML=`<img src=${u}>`",
    "d-fragment": "B.append(document.createRange().createContextualFragment(`<img src=${u}>`))",
    "d-template": "let t=el('template');t.innerHTML=`<img src=${u}>`;B.append(t.content.cloneNode(true))",
    "d-domparser": "let p=new DOMParser().parseFromString(`<img src=${u}>`,'text/html');"
    "B.append(document.adoptNode(p.body.firstChild))",
    "d-sethtmlunsafe": "let d=el('div');B.append(d);d.setHTMLUnsafe(`<img src=${u}>`)",
    "d-shadow": "let d=el('div');B.append(d);d.attachShadow({mode:'closed'}).innerHTML=`<img src=${u}>`",
    "d-link-css": "document.head.append(el('link',{rel:'stylesheet',href:u}))",
    "d-link-prefetch": "document.head.append(el('link',{rel:'prefetch',href:u}))",
    "d-link-preload": "document.head.append(el('link',{rel:'preload',as:'image',href:u}))",
    "d-preconnect": "document.head.append(el('link',{rel:'preconnect',href:u}))",
    "d-style-el": "B.append(el('p',{id:'k4',textContent:'x'}),el('style',{textContent:`#k4{background:url(${u})}`}))",
    "d-style-import": "document.head.append(el('style',{textContent:`@import url(${u})`}))",
    "d-style-prop": "let d=el('p',{textContent:'x'});d.style.backgroundImage=`url(${u})`;B.append(d)",
    "d-style-csstext": "let d=el('p',{textContent:'x'});d.style.cssText=`background:url(${u})`;B.append(d)",
    "d-insertrule": "let s=el('style');document.head.append(s);B.append(el('p',{id:'k5',textContent:'x'}));"
    "s.sheet.insertRule(`#k5{background:url(${u})}`)",
    "d-adoptedsheet": "let s=new CSSStyleSheet();s.replaceSync(`#k6{background:url(${u})}`);"
    "document.adoptedStyleSheets.push(s);B.append(el('p',{id:'k6',textContent:'x'}))",
    "d-fontface": "let f=new FontFace('k7',`url(${u})`);document.fonts.add(f);f.load().catch(()=>0)",
    "d-audio": "new Audio(u).preload='auto'",
    "d-video": "B.append(el('video',{src:u,preload:'auto'}))",
    "d-object": "B.append(el('object',{data:u}))",
    "d-svg-ns": "let n='http://www.w3.org/2000/svg',s=document.createElementNS(n,'svg'),"
    "i=document.createElementNS(n,'image');i.setAttribute('href',u);i.setAttribute('width',9);"
    "i.setAttribute('height',9);s.append(i);B.append(s)",
    "d-fetch": "fetch(u).catch(()=>0)",
    "d-fetch-keepalive": "fetch(u,{keepalive:true,mode:'no-cors'}).catch(()=>0)",
    "d-fetch-request": "fetch(new Request(u)).catch(()=>0)",
    "d-xhr": "let x=new XMLHttpRequest();x.open('GET',u);x.send()",
    "d-beacon": "navigator.sendBeacon(u,'x')",
    "d-ws": "new WebSocket(u.replace('https','wss'))",
    "d-eventsource": "new EventSource(u)",
    "d-worker-blob-import": "new Worker(URL.createObjectURL(new Blob([`importScripts('${u}')`])))",
    "d-worker-blob-fetch": "new Worker(URL.createObjectURL(new Blob([`fetch('${u}')`])))",
    "d-worker-file-import": "new Worker(`${own}worker?by=importScripts&u=${encodeURIComponent(u)}`)",
    "d-sharedworker-fetch": "new SharedWorker(`${own}worker?by=fetch&u=${encodeURIComponent(u)}`)",
    "d-import": "import(u).catch(()=>0)",
    "d-realm-fetch": "let f=el('iframe');B.append(f);f.contentWindow.fetch(u).catch(()=>0)",
    "d-realm-img": "let f=el('iframe');B.append(f);new f.contentWindow.Image().src=u",
    "d-realm-write": "let f=el('iframe');B.append(f);"
    "f.contentDocument.write(`<img src=${u}>`);f.contentDocument.close()",
    "d-iframe-srcdoc": "B.append(el('iframe',{srcdoc:`<img src=${u}>`}))",
    "d-iframe-blob": "let b=new Blob([`<img src=${u}>`],{type:'text/html'});"
    "B.append(el('iframe',{src:URL.createObjectURL(b)}))",
    "d-iframe-jsurl": "B.append(el('iframe',{src:`javascript:'<img src=${u}>'`}))",
    "d-form-iframe": "let f=el('iframe',{name:'k8'});B.append(f);"
    "let m=el('form',{action:u,method:'post',target:'k8'});B.append(m);m.submit()",
    "d-stun": "let p=new RTCPeerConnection({iceServers:[{urls:`stun:${new URL(u).hostname}:3478`}]});"
    "p.createDataChannel('x');p.createOffer().then((o)=>p.setLocalDescription(o))",
    "d-late-timer": "setTimeout(()=>new Image().src=u,600)",
    "d-string-timer": "setTimeout(`new Image().src='${u}'`,50)",
}

CLICK = {
    "a-popup": "<button id=a-popup onclick=\"window.open('{u}')\">popup</button>",
    "a-ping": "<a id=a-ping href='#pinged' ping={u}>ping</a>",
    "a-form-blank": "<form action={u} method=post target=_blank><button id=a-form-blank>send</button></form>",
}

NAMES = (*HEAD, *BODY, *SCRIPT, *CLICK)
FILES = {"s-link-css": "x.css", "d-link-css": "x.css", "s-img-srcset": "x.gif", "s-picture": "x.gif"}
MAKE = """
const B = document.body, own = OWN;
const el = (name, properties) => Object.assign(document.createElement(name), properties);
const run = (name, work, u) => { try { work(u); } catch (e) { console.debug(name, e); } };
"""


def url(kind: str, run: str) -> str:
    return f"https://{kind}.{run}.{DOMAIN}/{FILES.get(kind, 'x')}"


def page(run: str, variant: str, *, before: str = "") -> str:
    """The page of all kinds. `before` is markup between the snippet and the kinds (a slow script, say)."""
    own = f"/{variant}/"
    return "\n".join(
        (
            "<!doctype html><html lang=en><head>{{snippet}}<meta charset=utf-8><title>kinds</title>",
            before,
            *(_markup(kind, text, run, own) for kind, text in HEAD.items()),
            "</head><body>",
            *(_markup(kind, text, run, own) for kind, text in CLICK.items()),
            "<p id=f1>x</p><p id=f2>x</p><p id=f3>x</p>",
            *(_markup(kind, text, run, own) for kind, text in BODY.items()),
            f"<script>{MAKE.replace('OWN', json.dumps(own))}",
            *(f"run('{kind}', (u) => {{{work}}}, '{url(kind, run)}');" for kind, work in SCRIPT.items()),
            "</script></body></html>",
        )
    )


def _markup(kind: str, text: str, run: str, own: str) -> str:
    address = url(kind, run)
    return text.format(u=address, q=quote(address, safe=""), own=own)


def arrived(hosts: Iterable[str], run: str) -> set[str]:
    """The kinds of `run` among the hosts something arrived at."""
    end = f".{run}.{DOMAIN}"
    return {host.removesuffix(end) for host in hosts if host.endswith(end)}
