// What a screen reader is told without moving the focus: short notices, and streamed text a sentence at a time
// (token by token it would be unintelligible).
import { takeSentences } from "./announce_text";
import { h } from "./dom";

let notices: HTMLElement | null = null;
let speech: HTMLElement | null = null;

export function mountAnnouncer(): void {
  notices = h("div", { class: "offscreen", role: "status", "aria-live": "polite" });
  speech = h("div", { class: "offscreen", role: "log", "aria-live": "polite", id: "speech" });
  document.body.append(notices, speech);
}

export function announce(text: string): void {
  const place = notices;
  if (place === null) return;
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50); // an emptied region speaks even when the text is the same
}

export class StreamSpeaker {
  private rest = "";

  begin(): void {
    this.rest = "";
    if (speech) speech.textContent = "";
  }

  add(text: string): void {
    const taken = takeSentences(this.rest + text);
    this.rest = taken.rest;
    taken.sentences.forEach((one) => this.say(one));
  }

  end(): void {
    this.say(this.rest.trim());
    this.rest = "";
  }

  private say(text: string): void {
    if (text !== "") speech?.append(h("p", {}, text));
  }
}
