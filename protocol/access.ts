/**
 * Who you are and what you may do: the one place that decides.
 *
 * With a secret for writing alone, everybody may read. With one for reading,
 * reading needs either; with only that one, nobody may write (the original let
 * everybody). Rights only grow on a connection: a wrong secret takes nothing
 * away. REV, SELF and ACCESS need no right, as in the original.
 *
 * @module
 */
import { encodeText } from "./wire.ts";

/**
 * What a verb needs: nothing, the right to read, the right to read all there
 * is (a backup has it all, so a right to a part would not do), the right to
 * write.
 */
export type Right = "none" | "read" | "read all" | "write";

/** The node's secrets. Without any, everything is allowed. */
export interface Secrets {
  /** Allows reading and writing. */
  readonly rw?: string | undefined;
  /** Allows reading. */
  readonly ro?: string | undefined;
}

/** The rights that a connection has earned. */
export interface Grant {
  readonly read: boolean;
  readonly write: boolean;
}

/** What everybody has. */
export const ANONYMOUS: Grant = { read: false, write: false };

/** Decides by the node's secrets. */
export class Access {
  readonly #rw: Uint8Array | undefined;
  readonly #ro: Uint8Array | undefined;

  constructor(secrets: Secrets) {
    this.#rw = secrets.rw ? encodeText(secrets.rw) : undefined;
    this.#ro = secrets.ro ? encodeText(secrets.ro) : undefined;
  }

  /** Whether somebody with this grant has the right. Denies by default. */
  allows(grant: Grant, right: Right): boolean {
    const open = this.#rw === undefined && this.#ro === undefined;
    switch (right) {
      case "none":
        return true;
      case "read":
      case "read all":
        return open || grant.read || this.#ro === undefined;
      case "write":
        return open || grant.write;
      default:
        return false;
    }
  }

  /** The grant after this secret was given, or undefined where it is wrong. */
  grantFor(grant: Grant, secret: Uint8Array): Grant | undefined {
    const rw = this.#rw !== undefined && sameBytes(secret, this.#rw);
    const ro = this.#ro !== undefined && sameBytes(secret, this.#ro);
    const open = this.#rw === undefined && this.#ro === undefined;
    if (open && secret.length === 0) return grant;
    if (!rw && !ro) return undefined;
    return { read: true, write: grant.write || rw };
  }
}

/** Compares in a time that does not tell how much was right. */
function sameBytes(given: Uint8Array, secret: Uint8Array): boolean {
  let difference = given.length ^ secret.length;
  for (let i = 0; i < given.length; i++) {
    difference |= given[i]! ^ secret[i % secret.length]!;
  }
  return difference === 0;
}
