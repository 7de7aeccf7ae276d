// What the server writes into the layers' bundles (docs/formats.md, section 5), and style sheets as text.

declare const CONSENT_BANNER: import("../types").LayerData & {
  controller: { name: string; privacy_url: string; imprint_url: string };
  purposes: { key: string; title: string; summary: string; required: boolean }[];
  third_parties: number;
};

interface ShownCookie { name: string; duration: string; recipient: string; kind: string }
interface ShownService {
  key: string; name: string; provider: string; country: string; privacy_url: string; description: string; reason: string;
  cookies: ShownCookie[];
}
interface ShownPurpose { key: string; title: string; description: string; required: boolean; services: ShownService[] }
declare const CONSENT_PREFERENCES: import("../types").LayerData & { purposes: ShownPurpose[] };

declare const CONSENT_CHOICES: import("../types").LayerData & { controller: string; purposes: { key: string; title: string }[] };

declare module "*.css" {
  const text: string;
  export default text;
}
