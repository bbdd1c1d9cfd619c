// Provenance: what an artefact was made from and what it consists of, each by its hash.
import { h } from "../lib/dom";
import { format, t, tName } from "../lib/i18n";
import { Manifest, ManifestEntry } from "../lib/types";
import { disclosure, hash, jsonBlock, table } from "./parts";

export function manifestPanel(manifest: Manifest): HTMLElement {
  const inputs = manifest.inputs ?? [];
  const files = manifest.files ?? [];
  return h(
    "div",
    { class: "manifest" },
    facts(manifest),
    inputs.length > 0 && h("div", {}, h("h4", {}, t("manifest.inputs")), inputTable(inputs)),
    files.length > 0 && disclosure(t("manifest.files", { n: files.length }), fileTable(files)),
    hasContent(manifest.recipe) && disclosure(t("manifest.recipe"), jsonBlock(manifest.recipe)),
    hasContent(manifest.notes) && disclosure(t("manifest.notes"), jsonBlock(manifest.notes)),
  );
}

function hasContent(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function facts(manifest: Manifest): HTMLElement {
  const rows: Array<[string, string]> = [
    [t("manifest.kind"), tName("kind", manifest.kind ?? "–")],
    [t("manifest.code"), manifest.code_version ?? "–"],
    [t("manifest.seed"), manifest.seed === undefined ? "–" : String(manifest.seed)],
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

function inputTable(inputs: ManifestEntry[]): HTMLElement {
  const heads = [t("manifest.role"), t("manifest.path"), t("manifest.size"), "SHA-256"];
  return table(
    t("manifest.inputs"),
    heads,
    inputs.map((one) => [tName("kind", one.role ?? ""), ...entryCells(one)]),
  );
}

function fileTable(files: ManifestEntry[]): HTMLElement {
  return table(t("manifest.filesCaption"), [t("manifest.path"), t("manifest.size"), "SHA-256"], files.map(entryCells));
}

function entryCells(one: ManifestEntry): Node[] {
  return [h("span", { class: "path" }, one.path), h("span", {}, format().bytes(one.bytes)), hash(one.sha256)];
}
