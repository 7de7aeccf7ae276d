// The shapes that cross a border in the widget. The wire formats they mirror are in docs/formats.md.

export type Status = "unset" | "granted" | "denied" | "withdrawn" | "objected";
export type Letter = "g" | "d" | "w" | "o";

export interface Purpose { key: string; required: boolean; gpc: boolean }
export interface Service {
  key: string; name: string; purposes: string[]; sources: string[];
  cookies: string[]; storage: string[]; kind: string;
}
export interface Regime { model: "opt-in" | "opt-out"; reask_days: number; gpc: "deny" | "ignore"; signal_shown: boolean; shown?: boolean }
export interface Layers { banner: string; preferences: string; choices: string; notice: string }

export interface Settings {
  site: string; base: string; version: number; hash: string; scope: string; since: Record<string, "same" | "ask">;
  days: number; cookie: { name: string; domain: string }; everything: boolean;
  regime: string | null; regimes: Record<string, Regime>; strictest: string;
  languages: string[]; purposes: Purpose[]; services: Service[]; layers: Record<string, Layers>;
  ui: Record<string, Record<string, string>>; control: { position: "bottom-left" | "bottom-right" | "none" };
  theme: Record<string, string>;
  /** The visitors' log: its bundle, and whether this visitor's law exempts a count before a choice; null where the site keeps none. */
  telemetry?: { path: string; counts: boolean; service: string } | null;
  /** What the log keeps of what a page tells: parameters of its address, fields of a customer, names of events (none: any). */
  keeps?: { query: string[]; customer: string[]; events: string[] };
}

/** What the inline core left on `window.consent.core`; absent in the `tag` variant. */
export interface Core {
  v: 1; key: string; list: string; late: boolean; nonce?: string;
  violations: SecurityPolicyViolationEvent[];
  /** Its policy for Trusted Types, where the page has any: a second one of the name may be refused. */
  trusted?: { createScript(text: string): any; createScriptURL(url: string): any };
  /** Fetches BASE/c/PATH and runs it once a valid answer is there; rejects otherwise. */
  load(path: string): Promise<void>;
}

/** A choice as the cookie holds it. */
export interface Choice {
  day: number; scope: string; gpc: boolean; regime: string;
  purposes: Record<string, Letter>; services: Record<string, "g" | "d">; sum: string;
}

export interface Decision {
  purposes: Record<string, Letter>;
  services: Record<string, "g" | "d">;
  control: "accept" | "reject" | "save" | "withdraw" | "object" | "api" | "default";
  layer: 0 | 1 | 2;
}

/**
 * recorded: the service answered 201. applied: now (nothing held back, or live), reload (the page is about to), next (on the next
 * page), not (what it takes to decide could not be loaded: nothing was changed).
 */
export interface Outcome { recorded: boolean; applied: "now" | "reload" | "next" | "not" }

export type StoreEvent = "change" | "violation" | "ask" | "outcome" | "regime" | "told";

/** full: rows of a visitor who agreed. count: numbers of nobody, where the law exempts them. "": no request, nothing stored. */
export type Level = "full" | "count" | "";

/** One event of the visitors' log (docs/formats.md, section 12). Times in ms, `engaged` in s, `scrolled` in quarters of the page. */
export interface Told {
  id: string; event: string; time: number; url: string; referrer?: string; load?: number; engaged?: number; scrolled?: number;
  target?: string; props?: Record<string, string | number | boolean>;
}

/** The one state. Everything else in the widget attaches to it; nothing else is shared. */
export interface Store {
  settings: Settings;
  core: Core | null;
  language: string;
  /** UI texts of `language` that the bootstrap itself shows. */
  text(key: string, values?: Record<string, string | number>): string;
  regime: Regime & { key: string };
  gpc: boolean;
  /** The stored choice, or null: the visitor must be asked (opt-in) or defaults apply (opt-out). */
  choice: Choice | null;
  /** True while a grant waits for its 201. */
  pending: boolean;
  status(purpose: string): Status;
  /** What is in force, under the signal as it is. */
  letters(): { purposes: Record<string, Letter>; services: Record<string, "g" | "d"> };
  /** Whether a purpose or a service may run on this page now. */
  allows(key: string): boolean;
  /** Whether something may run on this page that is not allowed any more: it ends with the page. */
  excessive(): boolean;
  decide(decision: Decision): Promise<Outcome>;
  /** Whether this page began with the question. */
  asked: boolean;
  on(type: StoreEvent, listener: (detail: any) => void): () => void;
  /** Blocked URLs seen so far, oldest first, at most 200. */
  violations: { url: string; directive: string; element: Element | null; service: Service | null }[];
  /** Opens a layer; loads its bundle first. Resolves to false when it could not be loaded. */
  show(layer: 1 | 2 | 3): Promise<boolean>;
  /** Layers attach here: `window.consent.attach("banner", factory)`. */
  attach(name: "banner" | "preferences" | "choices" | "telemetry", factory: any): void;
  emit(type: StoreEvent, detail: any): void;
  /** Where the visitor has entered something since the bootstrap ran. */
  touched: Set<any>;
  /** The page's own nonce, "" without one. */
  nonce: string;
  /** Fetches and runs one of the service's scripts by its path; rejects when it cannot be had. */
  load(path: string): Promise<void>;
  /** What holds, as the choice cookie has it; "" where nothing was chosen. */
  mark(): string;
  /** Set by visits.js: how far the visitors' log may go on this page now, what the page told before bundle 3 was there, where the visit began and came from. */
  visits: { level(): Level; told: [string, any[]][]; arrived: string[]; take(method: "track" | "customer", args: any[]): void };
  /** Our policy for Trusted Types, where the page has any; the strings as they are elsewhere. Throws when the page allows none. */
  trust(): { createScript(text: string): any; createScriptURL(url: string): any };
}

export interface LayerData { language: string; dir: "ltr" | "rtl"; texts: Record<string, string>; [key: string]: any }
export type LayerFactory = (store: Store) => Layer;
export interface Layer { show(opener: Element | null): void; hide(): void }

/** All that the state (store.js) needs of the world around it. */
export interface View {
  gpc: boolean; language: string;
  jar: { get(): string; set(line: string): void };
  local: { get(key: string): string | null; set(key: string, value: string | null): void };
  page: { facts(cause: string): { leaving: boolean; typed: boolean; posted: boolean; done: boolean }; change(cause: string, reload: boolean): void };
  /** ms since 1970 */
  now(): number;
  emit(type: StoreEvent, detail: any): void;
}

/** What deciding (decisions.js, transport.js) needs besides. */
export interface Surroundings {
  secure: boolean;
  /** 128 random bits, base64url */
  key(): string;
  post(body: object): Promise<{ status: number; wait: number; data: any }>;
  /** Fetches the settings anew, past the browser's cache. */
  refresh(): Promise<unknown>;
  later(run: () => void, ms: number): unknown;
  /** Runs it while no other tab of the origin runs its own, as far as the browser can tell. */
  lock(run: () => Promise<void>): Promise<unknown>;
  sleep(ms: number): Promise<unknown>;
  expire(cookie: string): void;
  purge(gone: Service[], kept: Service[], ours: string[]): void;
}

declare global {
  /** Filled in by the server (docs/formats.md, sections 1 and 5). */
  const CONSENT_BASE: string, CONSENT_SITE: string, CONSENT_COOKIE: string, CONSENT_CSP: string, CONSENT_EVERYTHING: boolean;
  const CONSENT_SETTINGS: Settings;
  /** What only a later bundle needs of the settings: services in full, texts, scopes. */
  const CONSENT_DETAILS: Partial<Settings>;
  /** Filled in by build.mjs. */
  const STRICT_VARIANT: boolean, CONSENT_VERSION: string;
}
