// A button that opens a short list of actions: arrows move, Escape and a click elsewhere close.
import { IconName, h, icon } from "../lib/dom";

export interface MenuAction {
  icon: IconName;
  label: string;
  run: () => void;
}

export class Menu {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly list: HTMLElement;
  private readonly outside = (event: Event) => {
    if (!this.element.contains(event.target as Node)) this.close(false);
  };

  constructor(label: string, actions: readonly MenuAction[]) {
    this.button = h(
      "button",
      { type: "button", class: "quiet icon-only", "aria-haspopup": "menu", "aria-expanded": "false", title: label },
      icon("more"),
      h("span", { class: "offscreen" }, label),
    );
    this.button.addEventListener("click", () => (this.list.hidden ? this.open() : this.close(true)));
    this.list = h(
      "div",
      { class: "menu-list", role: "menu", hidden: true },
      actions.map((action) => this.item(action)),
    );
    this.element = h("div", { class: "menu" }, this.button, this.list);
    this.element.addEventListener("keydown", (event) => this.onKey(event));
  }

  private item(action: MenuAction): HTMLElement {
    const run = () => {
      this.close(true);
      action.run();
    };
    return h(
      "button",
      { type: "button", class: "quiet", role: "menuitem", tabindex: -1, onclick: run },
      icon(action.icon),
      action.label,
    );
  }

  private open(): void {
    this.list.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.element.classList.add("open");
    const { bottom } = this.list.getBoundingClientRect();
    this.list.classList.toggle("above", bottom > innerHeight);
    this.move(0);
    addEventListener("pointerdown", this.outside);
  }

  private close(takeFocus: boolean): void {
    this.list.hidden = true;
    this.list.classList.remove("above");
    this.button.setAttribute("aria-expanded", "false");
    this.element.classList.remove("open");
    removeEventListener("pointerdown", this.outside);
    if (takeFocus) this.button.focus();
  }

  private move(to: number): void {
    const items = this.list.querySelectorAll<HTMLElement>("[role=menuitem]");
    items[(to + items.length) % items.length]?.focus();
  }

  private onKey(event: KeyboardEvent): void {
    if (this.list.hidden) return;
    const items = [...this.list.children];
    const at = items.indexOf(document.activeElement!);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const target = moves[event.key];
    if (event.key === "Tab") this.close(false);
    if (event.key === "Escape") this.close(true);
    else if (target !== undefined) this.move(target);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
