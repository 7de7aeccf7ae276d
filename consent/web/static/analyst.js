// What pages gain from script; without it they say the same. Writes attributes and text only, never markup.
(() => {
  const root = document.documentElement;
  const KEY = "consent-theme";
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: the system's scheme holds
    }
  };
  const theme = stored();
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  const switchTheme = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      return; // it holds for this page
    }
  };

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!except || !menu.contains(except)) menu.open = false;
    }
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.textContent);
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = said), 1600);
  };

  /** Figures of the last hour: bars by their place, numbers by their name. */
  const refresh = async (part) => {
    if (document.hidden) return;
    const answer = await fetch(part.dataset.live, { headers: { Accept: "application/json" } });
    if (!answer.ok) return part.querySelector(".live")?.classList.remove("on");
    const live = await answer.json();
    for (const shape of part.querySelectorAll("[data-bar]")) {
      const bar = live.bars[shape.dataset.bar];
      if (bar) for (const name of ["y", "height"]) shape.setAttribute(name, bar[name]);
    }
    for (const mark of part.querySelectorAll("[data-tick]")) mark.textContent = live.ticks[mark.dataset.tick] ?? "";
    for (const place of part.querySelectorAll("[data-figure]")) {
      if (place.dataset.figure in live.figures) place.textContent = live.figures[place.dataset.figure];
    }
    part.querySelector(".live")?.classList.add("on");
  };

  /** A list of people from a file: the service reads it, and its lines go into the form to be looked at. */
  const load = async (input) => {
    const place = document.getElementById(input.dataset.into);
    const answer = await fetch(input.dataset.file, { method: "POST", body: input.files[0] });
    const told = await answer.json();
    place.value = answer.ok ? told.people : "";
    input.setCustomValidity(answer.ok ? "" : `${told.message} ${told.remedy}`);
    input.reportValidity();
  };

  /** On a phone a row of links is wider than the window: the one of this page comes into view. */
  const showCurrent = (row) => {
    const link = row.querySelector("[aria-current]");
    if (!link) return;
    const [whole, part] = [row.getBoundingClientRect(), link.getBoundingClientRect()];
    row.scrollLeft += part.left - whole.left - (whole.width - part.width) / 2;
  };

  const begin = () => {
    for (const row of document.querySelectorAll(".side, .tabs")) showCurrent(row);
    for (const part of document.querySelectorAll("[data-file-form]")) part.hidden = false;
    for (const button of document.querySelectorAll("[data-theme-switch], [data-copy], [data-print]")) button.hidden = false;
    for (const part of document.querySelectorAll("[data-live]")) {
      setInterval(() => refresh(part).catch(() => part.querySelector(".live")?.classList.remove("on")), 10_000);
    }
  };
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-switch], [data-copy], [data-print]");
    closeMenus(event.target);
    if (!button) return;
    if ("themeSwitch" in button.dataset) switchTheme();
    else if ("print" in button.dataset) print();
    else copy(button).catch(() => (button.textContent = "Select the text and copy it"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const summary = document.activeElement?.closest("details.menu[open]")?.querySelector("summary");
    closeMenus();
    summary?.focus();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-file]")) load(event.target).catch(() => event.target.reportValidity());
    if (event.target.matches("form[data-auto] select, form[data-auto] input[type=date]")) event.target.form.requestSubmit();
  });
  addEventListener("beforeprint", () => {
    for (const table of document.querySelectorAll("details.behind")) table.open = true;
  });
})();
