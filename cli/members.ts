/**
 * `doozer members`: lists the nodes of the cluster.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { alignColumns, memberRow, sortMembers } from "./member_rows.ts";

/** `doozer members`. */
export const membersCommand: Command = {
  name: "members",
  summary: "list the nodes of the cluster",
  args: [],
  flags: CLIENT_FLAGS,
  about: "Prints a line for each registered node,\n\n" +
    "  <seat> <id> <addr> <leader|cal|observer> <reachable|unreachable>\n\n" +
    "as the node sees it that is asked: of several addresses, the first that " +
    "answers. <seat> is the name of the node's file " +
    'in /ctl/cal; an observer has none, and no vote: "-". Free seats are ' +
    'shown by "doozer status".',
  examples: [
    { line: "doozer members", does: "lists the nodes, those with seats first" },
    {
      line: "doozer members -o json",
      does: 'prints {"id":"...","addr":"...","seat":"1","leader":true,...}, ' +
        "an object per node",
    },
  ],
  synonyms: ["nodes", "cals", "peers"],
  deed: "list the members",
  run: listMembers,
};

async function listMembers(call: Call): Promise<ExitStatus> {
  await ask(call, async (client, limit) => {
    const status = await client.status({ timeoutMs: limit.nextMs() });
    const members = sortMembers(status.members);
    const lines = alignColumns(members.map(memberRow));
    for (const [i, member] of members.entries()) {
      await call.output.print(`${lines[i]}\n`, { ...member });
    }
  });
  return EXIT.done;
}
