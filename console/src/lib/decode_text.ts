// Text from the bytes of a file: UTF-8 and UTF-16 by their marks, UTF-8 without one, else CP949 (EUC-KR and what
// Windows added), the only other one that Korean files come in. Pure.

export type TextEncodingName = "UTF-8" | "UTF-16LE" | "UTF-16BE" | "CP949";
export type Decoded = { text: string; encoding: TextEncodingName } | { refused: "binary" | "encoding" | "empty" };

const kShareOfRows = 0.8; // of double bytes that belong to EUC-KR proper: other encodings have fewer

function strictly(label: string, bytes: Uint8Array): string | null {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function marked(bytes: Uint8Array): TextEncodingName | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "UTF-16LE";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "UTF-16BE";
  return null;
}

/** Control characters that no text has. */
function isBinary(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0x1b);
}

/** Whether double bytes are mostly of KS X 1001, and what they spell mostly Hangul. */
function looksKorean(bytes: Uint8Array, text: string): boolean {
  let pairs = 0;
  let common = 0;
  for (let i = 0; i + 1 < bytes.length; i++) {
    if (bytes[i]! < 0x81) continue;
    pairs++;
    if (bytes[i]! >= 0xa1 && bytes[i + 1]! >= 0xa1) common++;
    i++;
  }
  const letters = text.match(/[^\u0000-\u007f]/g)?.length ?? 0;
  const hangul = text.match(/[가-힣]/g)?.length ?? 0;
  return common >= kShareOfRows * pairs && hangul >= 0.3 * letters;
}

/** Line ends become \n. */
export function decodeText(bytes: Uint8Array): Decoded {
  const encoding = marked(bytes);
  if (bytes.length === 0) return { refused: "empty" };
  if (encoding === null && isBinary(bytes)) return { refused: "binary" };
  const found: Array<[TextEncodingName, string | null]> = encoding
    ? [[encoding, strictly(encoding, bytes)]]
    : [["UTF-8", strictly("utf-8", bytes)]];
  if (found[0]![1] === null && encoding === null) {
    const korean = strictly("euc-kr", bytes);
    found.push(["CP949", korean !== null && looksKorean(bytes, korean) ? korean : null]);
  }
  const readable = found.find(([, text]) => text !== null);
  if (!readable) return { refused: "encoding" };
  const text = readable[1]!.replace(/\r\n?/g, "\n");
  return text.trim() === "" ? { refused: "empty" } : { text, encoding: readable[0] };
}
