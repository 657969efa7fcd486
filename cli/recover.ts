/**
 * `doozer recover`: makes a survivor go on without the lost majority.
 *
 * @module
 */

import type { NodeStatus } from "../protocol/net/mod.ts";
import { askAt } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { DATA_TOOLS } from "./data_tools.ts";
import { confirm, confirms, PREFIX_LEAST } from "./confirm.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { recoverDirectory } from "./recover_data.ts";
import { UsageError } from "./usage_error.ts";

/** Whom to ask is said by the argument. */
const FLAGS = CLIENT_FLAGS.filter(({ long }) =>
  long !== "uri" && long !== "boot-uri"
);

/** `doozer recover`. */
export const recoverCommand: Command = {
  name: "recover",
  summary: "go on without a majority that is lost for ever",
  args: [{ name: "addr", optional: true }],
  flags: [
    {
      long: "data",
      takes: "DIR",
      help: "go on from this data directory, of a node that does not run",
    },
    { long: "yes", help: "do it without asking for confirmation" },
    ...FLAGS,
  ],
  about: "Makes the node at <addr> go on with the state that it has, alone, " +
    "as the first node of a new lineage. Only for when a majority of the nodes " +
    "with a vote is lost for ever: writes that only the lost nodes knew are " +
    "gone, acknowledged or not. While they may come back, wait for them.\n\n" +
    "Nodes of the old lineage are refused from then on, the other survivors " +
    'too: start them anew with "serve -a <addr>". So choose the survivor whose ' +
    'rev is the highest ("doozer status"). A node that knows a leader, or of a ' +
    "peer that holds more or has recovered, refuses.\n\n" +
    "With --data the node is one that does not run: its directory becomes " +
    "that of the first node of a new lineage, from all that it had decided or " +
    "accepted without a gap. Where it is damaged, from what stands before the " +
    "damage; the rest is removed.\n\n" +
    "It asks for confirmation on the terminal: type the beginning of the " +
    `node's id, at least ${PREFIX_LEAST} characters, or "yes".`,
  examples: [
    {
      line: "doozer status -a 10.0.0.7:8046",
      does: "shows the rev of a survivor, and whom it can reach",
    },
    {
      line: "doozer recover 10.0.0.7:8046",
      does: "makes this survivor go on alone, after confirmation",
    },
    {
      line: "doozer recover --data /var/lib/doozer",
      does: "shows what a stopped node has, and makes it go on from that",
    },
  ],
  synonyms: ["force", "rescue"],
  run: (call) => {
    const data = call.flags.text("data");
    if ((data === undefined) === (call.args.length === 0)) {
      throw new UsageError(
        "Cannot tell what to recover: it takes either an address or --data DIR",
        'See "doozer help recover"',
      );
    }
    if (data === undefined) return recoverNode(call);
    return recoverDirectory(call, { data, tools: DATA_TOOLS });
  },
};

async function recoverNode(call: Call): Promise<ExitStatus> {
  const [address = ""] = call.args;
  await askAt({ call, address }, async (client, limit) => {
    const status = await client.status({ timeoutMs: limit.nextMs() });
    if (!call.flags.on("yes")) {
      await confirm(call.io, {
        text: question(status),
        accepts: (answer) => confirms(answer, status.id),
      });
    }
    await client.recover({ timeoutMs: limit.nextMs() });
    await call.output.print(
      `The node ${status.id} goes on alone, from rev ${status.rev} or later. ` +
        `Start others anew with "serve -a ${status.addr}"\n`,
      { recovered: true, id: status.id, addr: status.addr },
    );
  });
  return EXIT.done;
}

function question(status: NodeStatus): string {
  const { id, addr, cluster, rev, members } = status;
  const lost = members.filter(({ reachable }) => !reachable);
  const names = lost.map(({ id, addr }) => `  ${id} at ${addr}\n`).join("");
  return `The node ${id} at ${addr} of the cluster "${cluster}" will go on ` +
    `alone, from its rev ${rev}.\n` +
    "What only other nodes know is lost, and they can never come back as " +
    "they are" +
    (lost.length === 0 ? ".\n" : `. Not reachable now:\n${names}`) +
    'Type the beginning of the id, or "yes", to do it: ';
}
