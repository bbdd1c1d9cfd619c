// The console: the frame around the views, and the way from the address to a view ("#/training/RUN").
import { ChatView } from "./chat/view";
import { announce, mountAnnouncer } from "./lib/announce";
import { IconName, h, icon, mark, replace } from "./lib/dom";
import { Language, TextKey, language, rememberLanguage, startLanguage, t } from "./lib/i18n";
import { Shortcuts } from "./lib/shortcuts";
import { StatusLine } from "./lib/status";
import { startTheme, nextTheme, theme } from "./lib/theme";
import { View } from "./lib/view";
import { LiveView } from "./live/view";
import { PlaygroundView } from "./playground/view";
import { DataView } from "./views/data";
import { ModelsView } from "./views/models";
import { TrainingView } from "./views/training";

interface Room {
  name: string;
  label: TextKey;
  icon: IconName;
  open: (id: string | null) => View;
}

const kRooms: Room[] = [
  { name: "chat", label: "nav.chat", icon: "chat", open: (id) => new ChatView(id) },
  { name: "playground", label: "nav.playground", icon: "flask", open: () => new PlaygroundView() },
  { name: "models", label: "nav.models", icon: "models", open: () => new ModelsView() },
  { name: "training", label: "nav.training", icon: "training", open: (id) => new TrainingView(id) },
  { name: "data", label: "nav.data", icon: "data", open: (id) => new DataView(id) },
  { name: "server", label: "nav.live", icon: "pulse", open: () => new LiveView() },
];

/** "#/training/run%201" → the room and "run 1"; anything unknown leads to the chat. */
function readAddress(hash: string): { room: Room; id: string | null } {
  const [, name, id] = hash.split("/");
  const room = kRooms.find((one) => one.name === name) ?? kRooms[0]!;
  return { room, id: id ? decode(id) : null };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % typed by hand
  }
}

class App {
  private readonly root = document.getElementById("app")!;
  private readonly main = h("main", { id: "main", tabindex: -1 });
  private view: View | null = null;
  private status: StatusLine | null = null;
  private readonly shortcuts = new Shortcuts((command) => this.act(command));

  start(): void {
    startLanguage();
    startTheme();
    mountAnnouncer();
    addEventListener("hashchange", () => this.openView(true));
    this.drawFrame();
  }

  private drawFrame(): void {
    this.status?.dispose();
    this.status = new StatusLine();
    const skip = h("a", { class: "skip", href: "#main", onclick: (event: Event) => this.skip(event) }, t("nav.skip"));
    const side = h(
      "header",
      { class: "side" },
      this.brand(),
      this.navigation(),
      this.preferences(),
      this.status.element,
    );
    replace(this.root, skip, side, this.main, this.shortcuts.element);
    this.openView(false);
  }

  private skip(event: Event): void {
    event.preventDefault(); // the address after # belongs to the views
    this.main.focus();
  }

  private brand(): HTMLElement {
    return h(
      "a",
      { class: "brand", href: "#/chat" },
      mark(),
      h("span", {}, "Maru"),
      h("small", { lang: "ko" }, "마루"),
    );
  }

  private navigation(): HTMLElement {
    const links = kRooms.map((room) =>
      h("a", { href: `#/${room.name}`, "data-room": room.name }, icon(room.icon), h("span", {}, t(room.label))),
    );
    return h("nav", { class: "rooms", "aria-label": t("nav.label") }, links);
  }

  private preferences(): HTMLElement {
    const other: Language = language() === "ko" ? "en" : "ko";
    const name = other === "ko" ? "한국어" : "English";
    const swap = h("button", { type: "button", class: "quiet", id: "language", lang: other, title: name }, name);
    swap.addEventListener("click", () => this.setLanguage(other));
    return h("div", { class: "preferences" }, swap, this.themeButton(), this.helpButton());
  }

  private helpButton(): HTMLElement {
    const label = t("keys.title");
    return h(
      "button",
      {
        type: "button",
        class: "quiet icon-only",
        id: "help",
        title: label,
        "aria-label": label,
        onclick: () => this.shortcuts.show(),
      },
      icon("help"),
    );
  }

  /** What a shortcut asks for: a room, or something of the chat, which is opened for it. */
  private act(command: string): void {
    if (kRooms.some((room) => room.name === command)) {
      location.hash = `#/${command}`;
      return;
    }
    if (!(this.view instanceof ChatView)) location.replace("#/chat");
    if (this.view instanceof ChatView) return this.view.act(command);
    addEventListener("hashchange", () => this.view instanceof ChatView && this.view.act(command), { once: true });
  }

  private themeButton(): HTMLElement {
    const button = h("button", { type: "button", class: "quiet icon-only", id: "theme" });
    const show = () => {
      const names = {
        auto: ["auto", "theme.auto"],
        light: ["sun", "theme.light"],
        dark: ["moon", "theme.dark"],
      } as const;
      const [picture, label] = names[theme()];
      replace(button, icon(picture));
      button.title = t(label);
      button.setAttribute("aria-label", t(label));
    };
    button.addEventListener("click", () => {
      nextTheme();
      show();
      announce(button.title);
    });
    show();
    return button;
  }

  private setLanguage(next: Language): void {
    rememberLanguage(next);
    this.drawFrame();
    document.getElementById("language")?.focus();
  }

  private openView(moveFocus: boolean): void {
    const { room, id } = readAddress(location.hash);
    this.view?.dispose();
    this.view = room.open(id);
    replace(this.main, this.view.element);
    document.title = `${this.view.title} · Maru`;
    this.markCurrent(room);
    if (moveFocus) this.focusView(this.view);
    else this.view.focus?.();
  }

  private markCurrent(room: Room): void {
    for (const link of this.root.querySelectorAll<HTMLElement>("[data-room]")) {
      if (link.dataset.room === room.name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  private focusView(view: View): void {
    if (view.focus) return view.focus();
    view.element.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    this.main.scrollTop = 0;
  }
}

new App().start();
