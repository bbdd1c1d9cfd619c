// Whether a model is any good: beside the best general compressor that has read the same training text. Pure.
import { BitsPerByte } from "../lib/types";

export type VerdictKind = "better" | "level" | "worse";

export interface Verdict {
  kind: VerdictKind;
  peer: string; // the best compressor
  share: number; // of bits that the better of the two needs fewer
}

const kLevel = 0.02; // less than this apart is no difference that a reader would notice

export function verdictOf(one: BitsPerByte): Verdict | null {
  const peers = Object.entries(one.baselines ?? {}).filter(([, value]) => value > 0);
  if (peers.length === 0 || one.value === null || !(one.value > 0)) return null;
  const [peer, best] = peers.reduce((a, b) => (b[1] < a[1] ? b : a));
  const share = 1 - Math.min(one.value, best) / Math.max(one.value, best);
  if (share < kLevel) return { kind: "level", peer, share };
  return { kind: one.value < best ? "better" : "worse", peer, share };
}
