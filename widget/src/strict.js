/**
 * The hooks of the variant `strict`, inline above its core: what a policy in the page cannot reach, closed from inside.
 *
 * Worker files obey the policy of their own response, WebRTC, windows and forms obey none, and hints are connections
 * without a request. A page of the default variant keeps all of these as they are; here the owner chose to be stricter
 * than any page can count on. What is granted or declared necessary stays open. Each hook fails as the browser would:
 * a worker that cannot load, a window that does not open, a form that is not sent.
 */
const policy = CONSENT_CSP;
const page = /** @type {any} */ (window);

/** Whether a token of the policy covers an address (CSP 3, section 6.7.2.8, as far as our tokens go). @param {string} token @param {URL} url */
const covers = (token, url) => {
  const [, star, host, port = "", path = ""] = /^(?:wss:\/\/)?(\*)?\.?([^/:']+)(?::(\d+))?(\/.*)?$/.exec(token) || [];
  return !!host && port == url.port && (star ? url.hostname.endsWith(`.${host}`) : url.hostname == host)
    && (path.endsWith("/") || !path ? url.pathname.startsWith(path) : url.pathname == path);
};

/** Whether this page may contact an address. @param {any} address */
const allowed = (address) => {
  const url = new URL(address, document.baseURI);
  const list = page.consent?.core?.list;
  return list == "*" || url.origin == location.origin || !/^(http|ws)/.test(url.protocol)
    || `${policy} ${list}`.split(" ").some((token) => covers(token, url));
};

/** Replaces a constructor by one that may change what it is given. @param {string} name @param {(given: any[]) => any[]} change */
const construct = (name, change) => {
  if (!page[name]) return;
  page[name] = new Proxy(page[name], { construct: (native, given, target) => Reflect.construct(native, change(given), target) });
};

/** @type {any} */
let trust = { createScriptURL: String };
try {
  if (page.trustedTypes) trust = page.trustedTypes.createPolicy("consent-strict", trust);
} catch {}

/** Written before a worker's own code: it must not notice that its file was wrapped. @param {string} url */
const prelude = (url) => `{const base=${JSON.stringify(url)},at=u=>new URL(u,base).href,own=importScripts,get=fetch,open=XMLHttpRequest.prototype.open;`
  + "importScripts=(...all)=>own(...all.map(at));"
  + "fetch=(what,how)=>get(what instanceof Request?what:at(what),how);"
  + "XMLHttpRequest.prototype.open=function(how,what,...more){return open.call(this,how,at(what),...more)};"
  + "try{Object.defineProperty(self,'location',{value:new URL(base)})}catch{}}";

/** A worker from a `blob:` inherits the page's policy; one from a file does not. @param {any[]} given */
const wrapped = ([address, how]) => {
  const url = new URL(address, document.baseURI);
  if (page.consent?.core?.list == "*" || !url.protocol.startsWith("http")) return [address, how];
  const code = how?.type == "module" ? `import ${JSON.stringify(url.href)}` : `${prelude(url.href)}importScripts(${JSON.stringify(url.href)})`;
  return [trust.createScriptURL(URL.createObjectURL(new Blob([code], { type: "text/javascript" }))), how];
};

/** ICE servers that may be asked. @param {any} settings */
const reachable = (settings) => settings?.iceServers
  ? { ...settings, iceServers: settings.iceServers.filter((/** @type {any} */ { urls }) => [urls].flat().every((url) => allowed(`https://${url.replace(/^\w+:|\?.*$/g, "")}`))) }
  : settings;

/** A form that leaves for another window or frame; one that replaces the page is a visitor's own way, and stays. @param {HTMLFormElement} form */
const strays = (form) => !/^(_self|_top|_parent)?$/.test(form.target) && !allowed(form.action);

construct("Worker", wrapped);
construct("SharedWorker", wrapped);
construct("RTCPeerConnection", ([settings, ...more]) => [reachable(settings), ...more]);

try {
  const { open } = page;
  page.open = (/** @type {any} */ address = "", /** @type {any[]} */ ...more) => (allowed(address) ? open.call(page, address, ...more) : null);

  const { submit } = HTMLFormElement.prototype;
  HTMLFormElement.prototype.submit = function () {
    if (!strays(this)) submit.call(this);
  };
  addEventListener("submit", (event) => {
    if (strays(/** @type {HTMLFormElement} */ (event.target))) event.preventDefault();
  }, true);

  // A hint that a script writes is an optimisation at most: it is kept as a word that no browser acts on.
  const quiet = (/** @type {any} */ value) => String(value).replace(/preconnect|dns-prefetch/gi, "x-$&");
  const rel = /** @type {any} */ (Object.getOwnPropertyDescriptor(HTMLLinkElement.prototype, "rel"));
  Object.defineProperty(HTMLLinkElement.prototype, "rel", { ...rel, set(value) { rel.set.call(this, quiet(value)); } });
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (/** @type {string} */ name, /** @type {string} */ value) {
    setAttribute.call(this, name, this.localName == "link" && /^rel$/i.test(name) ? quiet(value) : value);
  };

  // Rules that speak of a foreign address are taken back before the browser has acted on them.
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of /** @type {any} */ (addedNodes)) {
      if (node.type == "speculationrules" && (node.textContent.match(/https?:[^"\\]+/g) || []).some((/** @type {string} */ url) => !allowed(url))) node.remove();
    }
  }).observe(document, { childList: true, subtree: true });
} catch {}

export {};
