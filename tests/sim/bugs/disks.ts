/**
 * Bugs of disks: what is written too late, thrown away too early, or believed
 * though it may not be.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const WAL = "consensus/wal.ts";
const CHECKPOINT = "consensus/checkpoint.ts";
const JOURNAL = "consensus/journal.ts";
const RECOVERY = "consensus/recovery.ts";

/** Bugs of disks. */
export const DISK_BUGS: readonly Bug[] = [
  {
    name: "early ack",
    what: "what waits for the disk is sent while it is being written",
    rule: "C1: durable before it is answered",
    patches: [{
      file: WAL,
      find: "    if (this.#open.urgent) this.#open.messages.push(...messages);",
      replace: "    if (this.#open.urgent) this.#options.release(messages);",
    }],
  },
  {
    name: "no sync",
    what: "a batch is written, and not synced",
    rule: "C1: durable before it is answered",
    patches: [{
      file: WAL,
      find:
        '      ops: [{ type: "append", file, bytes }, { type: "sync", file }],',
      replace: '      ops: [{ type: "append", file, bytes }],',
    }],
  },
  {
    name: "no sync of the directory",
    what: "a new segment has a name that may be lost",
    rule: "DESIGN: the directory is synced after create and rename",
    patches: [{
      file: WAL,
      find: '      { type: "rename", file, to },\n' +
        '      { type: "syncDirectory" },\n',
      replace: '      { type: "rename", file, to },\n',
    }],
  },
  {
    name: "sync tried again",
    what: "a sync that failed is taken for a full disk, and tried again",
    rule: "DESIGN: a failed fsync stops the process",
    patches: [{
      file: WAL,
      find:
        '          if (failure.kind === "broken") return onBroken(failure);\n          // What',
      replace: "          // What",
    }],
  },
  {
    name: "promise not written",
    what: "a promise is kept in memory only",
    rule: "C1: durable before it is answered",
    patches: [{
      file: "consensus/ready.ts",
      find: "  ready.records.push(record);",
      replace: '  if (record.type !== "promised") ready.records.push(record);',
    }],
  },
  {
    name: "ballot not written",
    what: "a ballot is asked with and not written down",
    rule: "C3: a ballot is not used twice",
    patches: [{
      file: "consensus/replica.ts",
      find:
        '    this.#ready.records.push({ type: "promised", ballot, position: 0 });',
      replace: "",
    }],
  },
  {
    name: "what was read is not synced",
    what: "a log that only the kernel remembers is taken for durable",
    rule: "C25: what follows a batch proves that it was whole",
    patches: [{
      file: RECOVERY,
      find: '  before.push({ type: "sync", file: logName(segment) });\n',
      replace: "",
    }],
  },
  {
    name: "torn end stays",
    what: "the end that was torn is not cut off before the log goes on",
    rule: "C25: damage that is not at the end is named",
    patches: [{
      file: RECOVERY,
      find:
        '    before.push({ type: "truncate", file: torn.file, length: torn.offset });',
      replace: "",
    }],
  },
  {
    name: "damage taken for torn",
    what: "whatever is damaged in the last segment is cut off",
    rule: "C25: anything but a torn end is damage",
    patches: [{
      file: "consensus/directory_reader.ts",
      find: "    if (damage.sealed || !isLast)",
      replace: "    if (!isLast)",
    }],
  },
  {
    name: "started as before",
    what: "a node that is started again claims to be the one before",
    rule: "C23: each start has a higher incarnation",
    patches: [{
      file: JOURNAL,
      find: "  return { incarnation: incarnation + 1, start, position };",
      replace:
        "  return { incarnation: Math.max(1, incarnation), start, position };",
    }],
  },
  {
    name: "old memories vote",
    what: "votes count, whatever is known of who votes",
    rule: "C23: an older memory never votes",
    patches: [{
      file: "consensus/dispatch.ts",
      find: '      case "promise":\n      case "accepted":\n' +
        "        if (!remembered.isVetted(from)) return false;\n" +
        "        remembered.noteVote(from, message.position);\n",
      replace: '      case "promise":\n      case "accepted":\n',
    }],
  },
  {
    name: "learned not written",
    what: "the log says that what was accepted was decided, though it was not",
    rule: "C24: a restart finds what was applied",
    patches: [{
      file: JOURNAL,
      find:
        "    if (accepted === undefined || !sameValue(accepted.value, value)) {",
      replace: "    if (accepted === undefined) {",
    }],
  },
  {
    name: "state taken for durable",
    what: "the log goes on after a state that is in memory only",
    rule: "C26: a state that was taken over is durable with its snapshot",
    patches: [{
      file: JOURNAL,
      find: "    this.#awaits = applied;\n",
      replace: "    this.#base = applied;\n",
    }],
  },
  {
    name: "snapshot not synced",
    what: "a snapshot gets its name before its bytes are durable",
    rule: "C26: the log goes when the snapshot is durable",
    patches: [{
      file: CHECKPOINT,
      find: '      ops.push({ type: "sync", file });',
      replace: "",
    }],
  },
  {
    name: "snapshot's name not synced",
    what: "the log goes while the snapshot's name may still be lost",
    rule: "C26: the log goes when the snapshot is durable",
    patches: [{
      file: CHECKPOINT,
      find: '      { type: "syncDirectory" },\n',
      replace: "",
    }],
  },
  {
    name: "log dropped first",
    what: "the log goes before the segment that the snapshot needs is durable",
    rule: "C26: the log goes when the snapshot is durable",
    patches: [{
      file: CHECKPOINT,
      find: "    if (this.#options.durableSegment() < number) return;\n",
      replace: "",
    }],
  },
  {
    name: "acceptances left behind",
    what: "a new segment does not repeat what was accepted and not applied",
    rule: "C26: a segment can stand without those before it",
    patches: [{
      file: JOURNAL,
      find:
        '      records.push({ type: "accepted", accepted: value, position: 0 });',
      replace: "      void value;",
    }],
  },
  {
    name: "promise left behind",
    what: "a new segment does not repeat what was promised",
    rule: "C26: a segment can stand without those before it",
    patches: [{
      file: JOURNAL,
      find: '      { type: "promised", ballot, position: 0 },\n',
      replace: "",
    }],
  },
  {
    name: "claims left behind",
    what: "a new segment does not repeat what others have claimed",
    rule: "C26: a segment can stand without those before it",
    patches: [{
      file: JOURNAL,
      find: '      records.push({ type: "peer", node, claim });\n',
      replace: "      void node, claim;\n",
    }],
  },
  {
    name: "marked while a state is awaited",
    what: "slots are marked as decided behind a state that is in memory only",
    rule: "C25: a mark is written behind all values that it speaks of",
    patches: [{
      file: JOURNAL,
      find: "    if (this.#awaits === undefined) wal.mark(seqn);",
      replace: "    wal.mark(seqn);",
    }],
  },
  {
    name: "own vote counts at once",
    what: "a leader counts its own vote before that is on its disk",
    rule: "DESIGN: the leader counts its own vote only when durable",
    patches: [{
      file: JOURNAL,
      find: "    wal.after(messagesAfter);",
      replace: "    const { id } = this.#options;\n" +
        "    this.#send(messagesAfter.filter(({ to }) => to === id));\n" +
        "    wal.after(messagesAfter.filter(({ to }) => to !== id));",
    }],
  },
  {
    name: "claims too soon",
    what:
      "a node makes claims, and registers, before its start is written down",
    rule: "C23: each start has a higher incarnation",
    patches: [{
      file: JOURNAL,
      find: "    return !this.durable || this.#wal !== undefined &&\n" +
        "        this.#wal.durableSegment > this.#readSegment;",
      replace: "    return true;",
    }],
  },
  {
    name: "session of a life before",
    what: "a node that was started again goes on with its session of before",
    rule: "DESIGN: each node incarnation holds one session of its own",
    patches: [{
      file: "consensus/attachment.ts",
      find: "    const isOwn = found?.incarnation === this.#incarnation &&\n" +
        "      found.start === this.#start;",
      replace: "    const isOwn = true;",
    }],
  },
  {
    name: "more durable than it is",
    what: "what is applied counts as durable",
    rule: "C24: what a node says is durable a restart finds",
    patches: [{
      file: JOURNAL,
      find: "    if (!this.durable) return this.#options.machine.applied;",
      replace: "    if (this.started) return this.#options.machine.applied;",
    }],
  },
  {
    name: "old links vote",
    what: "votes count over a new link before a claim was made there",
    rule: "C23: over a new link votes wait for the first good claim",
    patches: [{
      file: "consensus/remembered.ts",
      find: "  linkUp(from: NodeId): void {\n    this.#vetted.delete(from);",
      replace: "  linkUp(_from: NodeId): void {",
    }, {
      file: "consensus/remembered.ts",
      find: "  linkDown(from: NodeId): void {\n    this.#vetted.delete(from);",
      replace: "  linkDown(_from: NodeId): void {",
    }],
  },
];
