/**
 * The inline core: decides, before the browser reads anything else of the page, which policy the page runs under.
 *
 * It stands directly above the static policy. A stored choice that allows more makes it write an unfinished tag that
 * swallows the static one, behind a wider policy (docs/formats.md, sections 1 and 2). Whatever it cannot read, prove
 * or do throws inside, which leaves the strict policy in force; nothing gets out, and a page that has begun is never
 * written to. It stands in every page, so it is written to be short once minified.
 */
const strict = CONSENT_CSP;
const win = /** @type {any} */ (window);
const doc = document;
/** @type {any[]} */
const violations = [];
/** @type {any} */
const core = { v: 1, key: "", list: "", late: true, violations };
const same = String;
/** @type {any} */
let trusted = { createHTML: same, createScript: same, createScriptURL: same };

/** A cookie's value; "" when there are two of the name. @param {string} name */
const cookie = (name) => {
  const [, value = "", other] = `; ${doc.cookie}`.split(`; ${name}=`);
  return other == null ? value.split(";")[0] : "";
};

/**
 * Fetches a script of ours; runs it only when a valid answer is there, so a hanging service delays nothing. One that the browser
 * kept past its time runs as text, for its address would be asked again.
 * @param {string} path @param {RequestCache} [cache]
 */
core.load = async (path, cache) => {
  const url = `${CONSENT_BASE}/c/${path}`;
  const answer = await fetch(url, { cache });
  const text = answer.ok && /script/.test(/** @type {string} */ (answer.headers.get("content-type"))) && await answer.text();
  if (/** @type {string} */ (text).indexOf("/*consent*/")) throw 0;
  const script = doc.createElement("script");
  script.crossOrigin = "";
  script.nonce = core.nonce;
  if (cache) script.text = trusted.createScript(text);
  else script.src = trusted.createScriptURL(url);
  doc.head.append(script);
};

try {
  if (!win.consent?.core) {
    /** @type {any} */
    const stub = win.consent = { q: [], core, get: () => false };
    for (const name of "show accept reject withdraw on track customer".split(" ")) stub[name] = (/** @type {any[]} */ ...args) => stub.q.push([name, args]);
    doc.addEventListener("securitypolicyviolation", (event) => violations[199] || violations.push(event));
    /** @param {RequestCache} [cache] */
    const begin = (cache) => core.load(`${CONSENT_SITE}.js`, cache);
    begin().catch(() => begin("force-cache")).catch(same); // who has allowed something must be able to withdraw it while the service is away

    const script = /** @type {HTMLScriptElement} */ (doc.currentScript);
    core.nonce = script.nonce;
    if (win.trustedTypes) core.trusted = trusted = win.trustedTypes.createPolicy("consent", trusted);
    core.late = !!(script.async || doc.readyState != "loading" || doc.body || doc.querySelector(`meta[content="${strict}"]`));

    // The tokens that the stored choice opens, "*" for no policy at all; "" when anything is not as it should be. The list counts
    // only for the very choice it was stored with, so of that no more is read than signal, regime and sum.
    let list = "";
    try {
      const value = core.key = cookie(CONSENT_COOKIE);
      const [, signal, regime, sum] = /^1\.\w+\.\w+\.([-g])~?(\w*)\.[\w:+-]*\.[\w:+-]*\.(\w+)$/.exec(value) || [];
      if (sum) { // the first error that is thrown takes longer than all the rest
        const [other, text] = localStorage["consent.list"].split(`${value} `);
        let hash = 0x811c9dc5; // FNV-1a, 32 bit
        for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x1000193);
        const tokens = text.split("|")[+(/** @type {any} */ (navigator).globalPrivacyControl === true && signal != "g")];
        if (!other && (hash >>> 0).toString(36) == sum && (!regime || regime == cookie("consent_regime")) &&
          (tokens == "*" ? CONSENT_EVERYTHING : tokens.split(" ").every((/** @type {string} */ token) =>
            /^(wss:\/\/)?(\*\.)?[a-z\d-]+(\.[a-z\d-]+)+(:\d{1,5})?(\/[\w/.~%+@!-]*)?$/.test(token)))) list = tokens;
      }
    } catch {}

    // An unfinished tag takes the static policy's place: a tag's second `http-equiv` is none, and it ends at the first `>` whatever
    // an optimizer left there. The strict variant has no static policy and writes its own in any case; its line begins with
    // `<noscript>`, so its swallow ends at the first quote.
    if (!core.late && (STRICT_VARIANT || list)) {
      doc.write(trusted.createHTML((list == "*" ? "" : `${STRICT_VARIANT ? "<meta http-equiv=x-dns-prefetch-control content=off>" : ""}<meta http-equiv=Content-Security-Policy content="${strict} ${list}">`)
        + (STRICT_VARIANT ? '<meta x="' : "<meta http-equiv=x ")));
      core.list = list;
    }
  }
} catch {}
