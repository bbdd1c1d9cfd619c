// What a screen reader is told without moving the focus: short notices, and streamed text a sentence at a time
// (token by token it would be unintelligible).
import { h } from "./dom";

const notices = h("div", { class: "offscreen", role: "status", "aria-live": "polite" });
const speech = h("div", { class: "offscreen", role: "log", "aria-live": "polite", id: "speech" });

export function mountAnnouncer(): void {
  document.body.append(notices, speech);
}

export function announce(text: string): void {
  notices.textContent = "";
  setTimeout(() => (notices.textContent = text), 50); // an emptied region speaks even when the text is the same
}

const kSentence = /^[\s\S]*?[.!?。…\n]+(?=\s|$)/;

/** Whole sentences at the start of `text`, and what is left. */
export function takeSentences(text: string): { sentences: string[]; rest: string } {
  const sentences: string[] = [];
  let rest = text;
  for (;;) {
    const found = kSentence.exec(rest)?.[0] ?? rest;
    if (found.length >= rest.length) break; // the end of the text may be the middle of a sentence: "3." of "3.5"
    sentences.push(found.trim());
    rest = rest.slice(found.length);
  }
  return { sentences: sentences.filter((one) => one !== ""), rest };
}

export class StreamSpeaker {
  private rest = "";

  begin(): void {
    this.rest = "";
    speech.textContent = "";
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
    if (text !== "") speech.append(h("p", {}, text));
  }
}
