/**
 * The receipt that a visitor downloads: JSON-LD in the shape of ISO/IEC TS 27560 with terms of DPV 2.3, and the evidence
 * that `consent receipt verify FILE` and this browser check, offline. Its context is inside: nothing has to be fetched.
 *
 * Several purposes in one record would mean that all are consented to, so each has a record of its own (W3C DPV's guide to
 * ISO/IEC TS 27560, note under example 6); all are parts of one receipt.
 *
 * @typedef {import("../receipts.js").Evidence} Evidence
 * @typedef {{ base: string, controller: string, page: string, titles: Record<string, string>, services: { key: string, name: string, purposes: string[] }[] }} About
 */

const CONTEXT = {
  dpv: "https://w3id.org/dpv#", "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#", "legal-eu": "https://w3id.org/dpv/legal/eu#",
  dct: "http://purl.org/dc/terms/", xsd: "http://www.w3.org/2001/XMLSchema#",
  records: { "@id": "dct:hasPart", "@container": "@set" },
  evidence: { "@id": "urn:x-consent:evidence", "@type": "@json" },
};

const STATUS = new Map([["granted", "dpv:ConsentGiven"], ["denied", "dpv:ConsentRefused"], ["objected", "dpv:ConsentRefused"], ["withdrawn", "dpv:ConsentWithdrawn"], ["unset", "dpv:ConsentRequested"]]);

/** @param {unknown} value */
const entries = (value) => Object.entries(value && typeof value == "object" ? /** @type {Record<string, string>} */ (value) : {});

/** @param {number} ms */
const instant = (ms) => ({ "@type": "xsd:dateTime", "@value": new Date(ms).toISOString() });

/**
 * What one record says of one purpose.
 * @param {Record<string, any>} record
 * @param {About} about
 * @param {string} purpose
 * @param {string} status
 */
function consentRecord(record, about, purpose, status) {
  const id = `urn:uuid:${record.id}`;
  const person = { "@id": subject(record.receipt) };
  const notice = record.notice && `${about.base}/n/${record.site}/${record.notice}`;
  const own = about.services.filter(({ purposes }) => purposes.includes(purpose));
  return {
    "@id": `${id}#${purpose}`, "@type": "dpv:ConsentRecord",
    "dct:conformsTo": { "@id": "https://w3id.org/dpv/schema/dpv-27560#record" },
    "dct:identifier": `${record.id}#${purpose}`,
    "dpv:hasDataSubject": person,
    ...(notice && { "dpv:hasNotice": { "@id": notice, "@type": "dpv:ConsentNotice", "dct:language": record.language, "dct:identifier": record.notice } }),
    "dpv:hasProcess": {
      "@id": `${id}#process-${purpose}`,
      "dpv:hasPurpose": { "@id": `${id}#purpose-${purpose}`, "@type": "dpv:Purpose", "dct:identifier": purpose, "dct:title": about.titles[purpose] || purpose },
      "dpv:hasRecipient": own.map(({ key, name }) => ({ "@id": `${id}#service-${key}`, "dct:identifier": key, "dct:title": name })),
    },
    ...(["eu", "uk", "ch"].includes(record.regime) && { "dpv:hasLegalBasis": { "@id": "eu-gdpr:A6-1-a" } }),
    ...(record.regime == "eu" && { "dpv:hasApplicableLaw": { "@id": "legal-eu:law-GDPR" } }),
    "dpv:hasConsentControl": { "@id": `${id}#withdraw`, "@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": about.page },
    "dpv:hasConsentStatus": {
      "@id": `${id}#status-${purpose}`, "@type": STATUS.get(status) || "dpv:ConsentRequested", "dpv:isIndicatedBy": person,
      "dpv:hasIndicationMethod": `${record.control}, layer ${record.layer}`, "dpv:isIndicatedAtTime": instant(record.time),
    },
    "dct:hasVersion": String(record.version),
  };
}

/** @param {unknown} receipt */
const subject = (receipt) => `urn:x-consent:receipt:${encodeURIComponent(String(receipt))}`;

/**
 * @param {Evidence[]} said
 * @param {About} about
 */
export function composeReceipt(said, about) {
  const newest = said[said.length - 1].record;
  return {
    "@context": CONTEXT,
    "@id": subject(newest.receipt),
    "dct:conformsTo": { "@id": "https://w3id.org/dpv/schema/dpv-27560#receipt" },
    "dct:identifier": newest.receipt,
    "dct:created": instant(newest.time),
    "dct:publisher": about.controller,
    records: said.flatMap(({ record }) => entries(record.purposes).map(([purpose, status]) => consentRecord(record, about, purpose, status))),
    evidence: said,
  };
}

/**
 * The choices that a receipt file holds, as they were recorded: the way back.
 * @param {{ evidence: Evidence[] }} receipt
 */
export const recordsOf = (receipt) => receipt.evidence.map(({ record }) => record);

/**
 * The same for a letter: plain lines with all that an authority needs to find and check the record.
 * @param {Evidence[]} said
 * @param {About & { verdicts: string[] }} about
 */
export function composeLetter(said, { base, controller, page, verdicts }) {
  const told = said.map(({ record, vkey }, at) => [
    `${new Date(record.time).toISOString()}  ${record.action}`,
    ...entries(record.purposes).map(([key, status]) => `  ${key}: ${status}`),
    ...entries(record.services).map(([key, status]) => `  ${key} (service): ${status}`),
    `  receipt ${record.receipt}`,
    `  record ${record.id}`,
    `  policy version ${record.version}, SHA-256 ${record.hash}`,
    `  notice ${record.notice ? `${base}/n/${record.site}/${record.notice}` : "none was shown"}`,
    `  regime ${record.regime}, language ${record.language}, control ${record.control}, layer ${record.layer}, GPC ${record.gpc ? "on" : "off"}`,
    `  log key ${vkey}`,
    `  check: ${verdicts[at]}`,
  ].join("\n"));
  return [`${controller}\n${page}\n`, ...told].join("\n\n");
}
