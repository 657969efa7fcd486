/**
 * `doozer status`: tells how a node and its cluster are.
 *
 * @module
 */

import type { NodeStatus } from "../protocol/net/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { alignColumns, memberRow, sortMembers } from "./member_rows.ts";

/** `doozer status`. */
export const statusCommand: Command = {
  name: "status",
  summary: "tell how a node and its cluster are",
  args: [],
  flags: CLIENT_FLAGS,
  about: "Prints what the node that is asked knows of itself and of its " +
    "cluster: its role, the leader, the rev, whether it is ready to read and " +
    "write, how many more nodes with a vote may be lost before writes stop, " +
    "the members and the seats. Of several addresses it is the first that " +
    "answers.\n\n" +
    "The exit status is 0 only if that node is ready, else 5, as if it could " +
    "not be reached: a check for containers. It needs the right to read.",
  examples: [
    { line: "doozer status", does: "prints a table" },
    {
      line: "doozer status -a 10.0.0.7:8046 -t 2s >/dev/null",
      does: "checks one node, as a container's health check",
    },
    {
      line: "doozer status -o json",
      does: "prints all of it as an object",
    },
  ],
  synonyms: ["health", "check", "ready"],
  deed: "learn the status",
  run: printStatus,
};

async function printStatus(call: Call): Promise<ExitStatus> {
  let ready = false;
  await ask(call, async (client, limit) => {
    const status = await client.status({ timeoutMs: limit.nextMs() });
    ready = status.ready;
    await call.output.print(renderStatus(status), { ...status });
  });
  return ready ? EXIT.done : EXIT.unreachable;
}

/** The status as a table. */
export function renderStatus(status: NodeStatus): string {
  const { id, addr, version, cluster, lineage, rev, firstRev } = status;
  const { applied, decided, durable, role } = status;
  const lines = alignColumns([
    ["node", `${id} at ${addr}, doozer ${version}`],
    ["cluster", cluster + (lineage === "" ? "" : `, lineage ${lineage}`)],
    ["role", role],
    ["leader", nameLeader(status)],
    ["rev", `${rev}, kept from ${firstRev}`],
    ["log", `slot ${applied} is applied, ${decided} is decided`],
    ["storage", durable ? "on disk" : "in memory"],
    ["health", describeHealth(status)],
  ]);
  const table = alignColumns(memberTable(status)).map((line) => `  ${line}`);
  return [...lines, "members", ...table, ""].join("\n");
}

function nameLeader({ leader, members }: NodeStatus): string {
  if (leader === null) return "none that this node knows";
  const member = members.find(({ id }) => id === leader);
  return member === undefined ? leader : `${leader} at ${member.addr}`;
}

/** One sentence: can it be used, and what may still break. */
export function describeHealth(status: NodeStatus): string {
  const { ready, reason, canLose } = status;
  const state = ready
    ? "ready"
    : `not ready: ${reason || "it does not say why"}`;
  if (canLose < 0) {
    return `${state}; no quorum: writes fail, --local reads this node's copy`;
  }
  const cals = canLose === 1 ? "node" : "nodes";
  const end = canLose === 0 ? ": the next loss stops all writes" : "";
  return `${state}; can lose ${canLose} more ${cals} with a vote${end}`;
}

function memberTable({ members, seats }: NodeStatus): string[][] {
  const free = seats.filter(({ id }) => id === "").map(({ name }) => name);
  return [
    ["seat", "id", "addr", "role", ""],
    ...sortMembers(members).map(memberRow),
    ...free.map((name) => [name, "(free)"]),
  ];
}
