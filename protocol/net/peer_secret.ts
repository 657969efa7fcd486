/**
 * The peer secret, by which the nodes of a cluster know each other.
 *
 * It never leaves this file: what does are proofs that a node has it.
 *
 * @module
 */
import { type BothProofs, encodeText } from "../mod.ts";

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** The secret of this node, or that it has none. */
export class PeerSecret {
  readonly #key: Promise<CryptoKey> | undefined;

  /** An empty secret is none. */
  constructor(secret: string | undefined) {
    if (!secret) return;
    const bytes = encodeText(secret);
    this.#key = crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign"]);
  }

  /** Whether there is one. */
  get isSet(): boolean {
    return this.#key !== undefined;
  }

  /** The proofs for these transcripts; empty where there is no secret. */
  async prove(transcripts: BothProofs): Promise<BothProofs> {
    const [own, theirs] = await Promise.all([
      this.#sign(transcripts.own),
      this.#sign(transcripts.theirs),
    ]);
    return { own, theirs };
  }

  async #sign(transcript: Uint8Array): Promise<Uint8Array> {
    if (this.#key === undefined) return new Uint8Array(0);
    const bytes = new Uint8Array(transcript);
    return new Uint8Array(
      await crypto.subtle.sign("HMAC", await this.#key, bytes),
    );
  }
}
