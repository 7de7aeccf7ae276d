// What the second layer says of one purpose and of each of its services: provider, country, cookies, recipients.

import { fill, link } from "./dom.js";
import { make } from "./parts.js";

/** @typedef {typeof CONSENT_PREFERENCES} Data */
/** @typedef {Data["purposes"][number]} Purpose */
/** @typedef {Purpose["services"][number]} Service */

/**
 * @param {Data} data
 * @param {Purpose} purpose
 */
export function panel(data, { key, title, description, required, services }) {
  const { texts } = data;
  const name = make("span", { id: key }, title);
  const state = required ? make("small", {}, texts.preferences_always) : toggle("purpose", key);
  const count = services.length;
  return make(
    "section",
    { class: "box", role: "group", "aria-labelledby": key },
    make("h3", {}, make("label", {}, name, state)),
    make("p", {}, description),
    count
      ? make("details", {},
          make("summary", {}, fill(texts.preferences_services, { count }), required ? "" : make("small", { "data-count": key })),
          ...services.map((service) => card(data, service, required)))
      : "",
  );
}

/**
 * @param {Data} data
 * @param {Service} service
 * @param {boolean} required
 */
function card({ texts, language }, service, required) {
  const { name, key, provider, country, cookies, description, reason, privacy_url } = service;
  return make(
    "div",
    {},
    make("label", {}, make("b", {}, name), required ? "" : toggle("service", key)),
    ...[description, required ? reason : ""].map((text) => text && make("p", {}, text)),
    make(
      "details",
      {},
      make("summary", {}, fill(texts.preferences_details, { service: name })),
      make("p", {}, `${texts.preferences_provider}: ${[provider, country && nameOf(language, country)].filter(Boolean).join(", ")}`),
      link(texts.preferences_privacy, privacy_url),
      make("p", {}, cookies.length ? texts.preferences_cookies : texts.preferences_no_cookies),
      make("ul", {}, ...cookies.map((cookie) => make(
        "li",
        {},
        make("code", {}, cookie.name),
        [
          texts[`preferences_kind_${cookie.kind}`],
          `${texts.preferences_duration}: ${length(texts, language, cookie.duration)}`,
          `${texts.preferences_recipient}: ${cookie.recipient}`,
        ].filter(Boolean).join(" · "),
      ))),
    ),
  );
}

/**
 * @param {"purpose" | "service"} kind
 * @param {string} key
 */
function toggle(kind, key) {
  return make("input", { type: "checkbox", role: "switch", [`data-${kind}`]: key });
}

/**
 * @param {string} language
 * @param {string} code  ISO 3166-1 alpha-2
 */
function nameOf(language, code) {
  try {
    return new Intl.DisplayNames(language, { type: "region" }).of(code);
  } catch {
    return code;
  }
}

/**
 * A length of time in the reader's language, from the catalogue's "13 months"; "session" and none have texts.
 * @param {Record<string, string>} texts
 * @param {string} language
 * @param {string} duration
 */
function length(texts, language, duration) {
  const [, number, unit] = /^(\d+) (\w+?)s?$/.exec(duration) || [];
  try {
    return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(Number(number));
  } catch {
    return duration == "session" ? texts.preferences_session : duration || texts.preferences_until_deleted;
  }
}
