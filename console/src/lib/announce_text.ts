// Cuts streamed text into sentences for speech. Pure.

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
