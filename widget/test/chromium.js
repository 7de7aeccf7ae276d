/** Runs one page in Chromium. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const CHROMIUM = process.env.CHROMIUM ?? "chromium";

/** The page after some virtual time (ms), as Chromium writes it; null where there is no Chromium. */
export function dump(url, budget = 4000) {
  const profile = mkdtempSync(join(tmpdir(), "consent-release-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`, `--virtual-time-budget=${budget}`, "--dump-dom"];
  return new Promise((done, fail) => {
    execFile(CHROMIUM, [...flags, url], { timeout: 60_000 }, (error, text) => {
      rmSync(profile, { recursive: true, force: true });
      if (error?.code == "ENOENT") done(null);
      else if (error) fail(error);
      else done(text);
    });
  });
}
