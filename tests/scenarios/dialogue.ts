/**
 * Dialogues with small clusters: commands, and below each group of them, after
 * `---`, what the nodes sent, applied and answered.
 *
 * A file is prose (lines that begin with `#`) and such groups, with an empty
 * line between them. Running a file gives its text anew, with what happened in
 * place of what was expected: a dialogue holds when the two texts are equal.
 * After each command all messages travel that may; a command after `+ ` comes
 * in the same turn as the one before it. In all a body of one capital letter
 * is a node's id, and `x*1000` a thousand x.
 *
 *     cluster A B C + D    a cluster that is up: three have seats, D has none
 *     found A              a node that founds a cluster
 *     attach D [to B]      a node that attaches, linked to all, or only to B;
 *                          `attach D at B` at the address of B
 *     link A B, unlink A B a link comes up or is closed; `*` is all others
 *     tick [A ...] 15      so many ticks of 10 ms pass, for all or for some
 *     set A /x 1 rev=0     A is asked for a write; so with `del A /x`, `nop A`
 *     get A /x             what A's copy has
 *     read A /x            A is asked for a linearizable read
 *     wait A GLOB REV      somebody waits for an event
 *     hold A->B [TYPE...]  messages stay on their way; `A<->B`, `A->*`
 *     lose A->B [TYPE...]  messages are lost, and the link looks well
 *     deliver, drop, duplicate A->B [TYPE...|slot=7|3]   some of those held
 *     free A->B            neither any more; what was held arrives
 *     pause A, resume A    the process stands still, and goes on
 *     crash A              it ends, and its links are closed
 *     leave A, recover A   as `doozer` asks a node to do
 *     A hears X MESSAGE    (`hears A X accept 9.X 1=forged`) a forged message
 *     status A, compare A B
 *     chance A 0.5         what chance gives A from now on
 *     settings seatTimeout=100 requestTimeout=50   of nodes that come, in ticks
 *     show alive|writes    what is not shown otherwise
 *
 * @module
 */
import { carryOut } from "./script.ts";
import { Stage } from "./stage.ts";

/** Runs the dialogue; returns its text as it should be. */
export function replay(text: string): string {
  const stage = new Stage();
  const groups = text.trim().split(/\n\s*\n/).map((group) => {
    const lines = group.split("\n");
    if (lines.every((line) => line.startsWith("#"))) return group;
    const end = lines.indexOf("---");
    const said = end < 0 ? lines : lines.slice(0, end);
    stage.listen(() => play(stage, said));
    return [...said, "---", ...stage.takeLines()].join("\n");
  });
  return groups.join("\n\n") + "\n";
}

function play(stage: Stage, said: readonly string[]): void {
  const commands = said.filter((line) => !line.startsWith("#"));
  commands.forEach((command, at) => {
    carryOut(stage, command.replace(/^\+ /, ""));
    if (!commands[at + 1]?.startsWith("+ ")) stage.settle();
  });
}
