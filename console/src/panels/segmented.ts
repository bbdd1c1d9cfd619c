// A choice of a few, side by side: radio buttons with the looks of a switch.
import { h } from "../lib/dom";

export function segmented<T extends string>(
  name: string,
  label: string,
  options: ReadonlyArray<{ value: T; label: string }>,
  chosen: T,
  onChange: (value: T) => void,
): HTMLElement {
  const group = h("div", { class: "segmented", role: "radiogroup", "aria-label": label });
  for (const option of options) {
    const id = `${name}-${option.value}`;
    const input = h("input", { type: "radio", name, value: option.value, id, class: "offscreen" });
    input.checked = option.value === chosen;
    input.addEventListener("change", () => onChange(option.value));
    group.append(input, h("label", { for: id }, option.label));
  }
  return group;
}
