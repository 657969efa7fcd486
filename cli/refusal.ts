/**
 * Refused secrets, failed TLS connections and lost quorums, explained by what
 * was given and asked: the error itself does not know that.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import type { Command } from "./command.ts";
import { AdvisedError } from "./failure.ts";

/** The secret that was given. */
export interface GivenSecret {
  /** Where it is from, as a reader knows it. */
  readonly from: string;
  /** Whether the server called it wrong. */
  readonly refused: boolean;
}

/** Whether a right was missing. */
export function isDenied(error: unknown): error is DoozerError {
  return error instanceof DoozerError && error.code === "DENIED";
}

/** Says that it was this secret that did not do. */
export function blameSecret(
  cause: DoozerError,
  { from, refused }: GivenSecret,
): DoozerError {
  const is = refused ? "wrong" : "not enough";
  return new AdvisedError("DENIED", `the secret in ${from} is ${is}`, {
    cause,
    hint: refused
      ? "Give the one that this cluster was started with"
      : "To write takes the secret for reading and writing (DOOZER_RWSECRET)",
  });
}

/** Says what to look at where TLS may be what failed. */
export function adviseOnTls(error: unknown): unknown {
  if (!(error instanceof DoozerError)) return error;
  const { code, detail } = error;
  const [, reasons = ""] = /^No server can be reached: (.*)$/s.exec(detail) ??
    [];
  // Where nobody was met, TLS is not the reason.
  const met = reasons.split("; ").some((reason) =>
    reason !== "" && !/nothing listens there|lookup address/.test(reason)
  );
  if (code !== "UNAVAILABLE" || !met) return error;
  return new AdvisedError(code, `${detail} (asked with TLS)`, {
    cause: error,
    hint: "Name the file that vouches for the node's certificate with " +
      "--cacert or DOOZER_CACERT (--tls trusts the system's); a node without " +
      "TLS is asked without them",
  });
}

/** How the client library begins what it says itself, not the server. */
const OWN_WORDS =
  /^(No server|The (answer|connection|name service) |[A-Z]+ was)/;

/** Says what can still be done where the server has no quorum. */
export function adviseOnQuorum(
  error: unknown,
  { flags }: Pick<Command, "flags">,
): unknown {
  if (!(error instanceof DoozerError)) return error;
  const { code, detail } = error;
  if (code !== "UNAVAILABLE" || OWN_WORDS.test(detail)) return error;
  const reads = flags.some(({ long }) => long === "local");
  return new AdvisedError(code, detail, {
    cause: error,
    hint: reads
      ? 'Try again, ask another node (-a; "doozer status" names them), or read ' +
        "this one's copy as it is with --local"
      : 'Nothing was done: try again, or ask another node (-a; "doozer status" ' +
        "names them)",
  });
}
