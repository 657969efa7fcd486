/**
 * `doozer recover --data`: makes a data directory that of a first node.
 *
 * @module
 */

import type { Found, Machine } from "../consensus/mod.ts";
import { parseName } from "../protocol/mod.ts";
import type { Call } from "./command.ts";
import { confirm, confirms } from "./confirm.ts";
import { type DataTools, newSalt, type OwnDirectory } from "./data_tools.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { AdvisedError } from "./failure.ts";
import { cannot } from "./io.ts";
import { randomId } from "./random_id.ts";
import { allOfHistory } from "./verify.ts";

/** Recovers a directory, after confirmation. */
export async function recoverDirectory(
  call: Call,
  { data, tools }: { data: string; tools: DataTools },
): Promise<ExitStatus> {
  checkThere(data);
  const directory = await tools.open(data);
  try {
    const found = tools.read(directory);
    if (found === undefined || found.header.node === "") {
      throw nothingThere(data, found);
    }
    // What was accepted behind the damage is not known to be the next.
    const adoptAccepted = found.damage === undefined;
    const machine = tools.replay(found, {
      store: allOfHistory(),
      adoptAccepted,
    });
    if (machine.applied === 0) throw nothingThere(data, found);
    const { node } = found.header;
    if (!call.flags.on("yes")) {
      await confirm(call.io, {
        text: describe(found, { machine, data }) +
          'Type the beginning of the id, or "yes", to do it: ',
        accepts: (answer) => confirms(answer, node),
      });
    } else call.io.say(describe(found, { machine, data }));
    await goOn(call, { directory, found, machine, tools });
  } finally {
    directory.close();
  }
  return EXIT.done;
}

/** To open it would make it. */
function checkThere(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    throw cannot(`recover "${path}"`, error);
  }
}

function nothingThere(path: string, found?: Found): AdvisedError {
  const { damage } = found ?? {};
  const because = damage === undefined
    ? "it holds no state"
    : `no state stands before the damage of "${damage.file}" at byte ` +
      `${damage.offset}: ${damage.why}`;
  const detail = `Cannot recover "${path}": ${because}`;
  const hint = 'Restore a backup: "doozer help restore"';
  return new AdvisedError("OTHER", detail, { hint });
}

/** What would be done, before it is. */
function describe(
  found: Found,
  { machine, data }: { machine: Machine; data: string },
): string {
  const { header, damage, torn, applied } = found;
  const { node, lineage } = header;
  const { store, cluster } = machine;
  const adopted = machine.applied - applied;
  const lines = [
    `The node ${node} of the cluster "${cluster}", lineage ${lineage}, in ` +
    `"${data}"`,
    `would go on alone, as the first of a new lineage, from rev ${store.rev} (kept from ` +
    `${store.firstRev}), slot ${machine.applied}.`,
  ];
  if (adopted > 0) {
    lines.push(
      `The last ${adopted} slots were accepted, and not known to be decided.`,
    );
  }
  if (torn !== undefined) {
    lines.push(
      `The end of "${torn.file}" is torn, from byte ${torn.offset} on; it ` +
        "was never acknowledged.",
    );
  }
  if (damage !== undefined) {
    const { file, offset, why } = damage;
    lines.push(
      `DAMAGED: "${file}", at byte ${offset}: ${why}.`,
      "What comes after that is removed, acknowledged or not: copy the " +
        "directory first if it may be wanted.",
    );
  }
  lines.push(
    "What only other nodes know is lost, and they can never come back as " +
      "they are.",
  );
  return lines.join("\n") + "\n";
}

async function goOn(
  call: Call,
  { directory, found, machine, tools }: {
    directory: OwnDirectory;
    found: Found;
    machine: Machine;
    tools: DataTools;
  },
): Promise<void> {
  const { node, lineage: parent } = found.header;
  const { rev } = machine.store;
  const lineage = randomId();
  // What damage has hidden may be how often it began: nothing is its own.
  machine.recover(node, { time: Date.now(), parent, anew: true });
  const { disk, path } = directory;
  const old = disk.list().filter((name) => parseName(name) !== undefined);
  // A number above that of a file that was never finished would leave a gap.
  const numbers = disk.list().map(parseName)
    .map((name) => name === undefined || name.part ? 0 : name.number);
  const { claim, promised, torn } = found;
  // Nobody of the old lineage is let in, so the id breaks no promise.
  await tools.write(disk, {
    ...{ machine, node, lineage, parent, claim, promised, old, torn },
    number: Math.max(0, ...numbers) + 1,
    salt: newSalt(),
  });
  await call.output.print(
    `The node ${node} goes on from rev ${rev}, lineage ${lineage}, from ` +
      `${parent}.\nNow start it: doozer serve --data ${path}\n` +
      "Start others anew, with empty directories and -a ADDR\n",
    { recovered: true, id: node, rev, lineage, parent, data: path },
  );
}
