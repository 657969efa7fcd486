/**
 * Why a node cannot link with the one it was told to, and what to do next.
 *
 * @module
 */
import type { LinkError } from "../protocol/net/mod.ts";
import type { DoozerError } from "../store/mod.ts";
import { AdvisedError } from "./failure.ts";

type Refusal = NonNullable<LinkError["refusal"]>;

// A full record, so that a new refusal must be explained here.
const HINTS: Readonly<Record<Refusal, string>> = {
  CLUSTER: "Say -c with the name of that cluster, or another address",
  DUPLICATE: "Start it again: it takes another id",
  LINEAGE: "Start it again: it takes on that history",
  NOT_READY: "It waits for a cluster itself: start that one first",
  OTHER: "",
  OTHER_NODE: "Start it again",
  SECRET: "Give all nodes of a cluster the same DOOZER_PEERSECRET",
  SELF: "Say the address of another node",
  VERSION: "Use the same version of doozer, or the next one",
};

/** Whether the other node will say the same if it is asked again. */
export function isFinal({ refusal }: LinkError): boolean {
  return refusal !== undefined && refusal !== "NOT_READY";
}

/** The same error, with a next step for who starts a node. */
export function adviseOnLink(error: LinkError): DoozerError {
  const { code, detail, refusal } = error;
  const hint = refusal === undefined
    ? "Is a node running there? If all speak TLS, this one needs -tlscert and " +
      "-tlskey, too"
    : HINTS[refusal];
  return new AdvisedError(code, detail, { hint, cause: error });
}
