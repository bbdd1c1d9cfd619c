// Light, dark, or as the system has it: the stylesheet only knows what <html data-theme> says.
import { readSetting, writeSetting } from "./storage";

export type Theme = "auto" | "light" | "dark";
const kOrder: Theme[] = ["auto", "light", "dark"];
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
  const stored = readSetting("theme");
  return kOrder.find((one) => one === stored) ?? "auto";
}

function apply(): void {
  const chosen = theme();
  document.documentElement.dataset.theme = chosen === "auto" ? (systemIsDark.matches ? "dark" : "light") : chosen;
}

/** Applies the choice now and whenever the system changes its mind. */
export function startTheme(): void {
  apply();
  systemIsDark.addEventListener("change", apply);
}

export function nextTheme(): Theme {
  const next = kOrder[(kOrder.indexOf(theme()) + 1) % kOrder.length]!;
  writeSetting("theme", next);
  apply();
  return next;
}
