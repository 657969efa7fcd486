/**
 * Nodes in this process.
 *
 * @module
 */

import {
  type RunningNode,
  startNode,
  type StartOptions,
} from "../../cli/start.ts";

/** Starts a node on a free port that keeps its talk to itself. */
export function startLocal(
  options: Partial<StartOptions> = {},
): Promise<RunningNode> {
  return startNode({
    hostname: "127.0.0.1",
    port: 0,
    beginning: { how: "found" },
    historyRevs: 1_000,
    pulseSeconds: 0,
    seatTimeoutSeconds: 60,
    requestTimeoutSeconds: 5,
    secrets: {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    ...options,
  });
}
