// Goes to the next page as Turbo does: fetch it, merge its head into this one, put its body in place of this one's.
// Scripts and styles that are here already stay; other head elements of the old page go, those of the new one come.
if (!window.turbo) {
  const stays = (element) => element.matches("script, style, link[rel=stylesheet]");
  const alive = (script) => {
    const copy = document.createElement("script");
    for (const { name, value } of script.attributes) copy.setAttribute(name, value);
    copy.nonce = document.querySelector("script[nonce]")?.nonce || script.nonce;
    copy.textContent = script.textContent;
    return copy;
  };
  const merge = (head) => {
    const here = new Set([...document.head.children].filter(stays).map((element) => element.outerHTML));
    for (const element of [...document.head.children]) if (!stays(element)) element.remove();
    for (const element of [...head.children]) {
      if (!stays(element)) document.head.append(element);
      else if (!here.has(element.outerHTML)) document.head.append(element.matches("script") ? alive(element) : element);
    }
  };
  window.turbo = async (url) => {
    const text = await (await fetch(url, { headers: { accept: "text/html" } })).text();
    const next = new DOMParser().parseFromString(text, "text/html");
    merge(next.head);
    history.pushState({}, "", url);
    document.body.replaceWith(document.adoptNode(next.body));
    for (const script of [...document.body.querySelectorAll("script")]) script.replaceWith(alive(script));
    document.dispatchEvent(new Event("turbo:load"));
  };
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-turbo]");
    if (!link) return;
    event.preventDefault();
    window.turbo(link.href);
  });
}
