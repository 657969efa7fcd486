/**
 * Nobody is told of what is not on disk yet: a node's calls of the kernel are
 * traced, and its log and messages read from them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { decodePeerMessage, decodeRecords } from "../../protocol/mod.ts";
import type { LogRecord, PeerMessage } from "../../protocol/mod.ts";
import { ProtocolError, WireReader } from "../../protocol/mod.ts";
import { Cluster, connectTo, statusAt, until } from "./cluster_nodes.ts";
import { directoryOf, Scratch } from "./durable_nodes.ts";
import {
  type Call,
  firstAfter,
  NO_STRACE,
  readTrace,
} from "./durable_trace.ts";
import { the, traced, Tracer, untilTraced } from "./durable_trace.ts";
import { startNodeProcess } from "./node_process.ts";

const WRITES = 20;
/** What a batch begins with. */
const HEAD_BYTES = 20;

Deno.test({
  name: `fdatasync comes before the answer to a client${NO_STRACE}`,
  ignore: NO_STRACE !== "",
  fn: async () => {
    await using scratch = await Scratch.make();
    const file = `${scratch.path}/trace`;
    const directory = `${scratch.path}/data`;
    const args = ["--data", directory];
    await using node = await startNodeProcess({ args, within: traced(file) });
    {
      using client = await connectTo(node.addr, 5_000);
      for (let n = 0; n < WRITES; n++) await client.set("/x", `value ${n};`);
    }
    assertEquals((await node.stop()).code, 0);
    await untilTraced(file, node.pid);
    const calls = await readTrace(file);
    const answers = calls.filter(({ name, on }) =>
      name === "sendto" && on.startsWith("TCP")
    );
    // To HELLO, which needs nothing, and to SESSION, which is a write, too.
    const [, session, ...writes] = answers;
    assertEquals(writes.length, WRITES);
    const log = `${directory}/log-000000000001`;
    checkSegment(calls, { log, directory, before: session! });
    writes.forEach((answer, n) => {
      const write = firstOf(calls, log, `value ${n};`);
      const sync = firstAfter(calls, write, { name: "fdatasync", on: log });
      assert(sync.ended < answer.began, `Write ${n} was answered too early`);
    });
  },
});

/** The segment's bytes, then its name: durable before anybody is told. */
function checkSegment(
  calls: readonly Call[],
  { log, directory, before }: { log: string; directory: string; before: Call },
): void {
  const named = the(
    calls.find(({ name, on }) => name === "rename" && on === log),
    `rename to ${log}`,
  );
  const part = calls.filter(({ on }) => on === `${log}.part`);
  assertEquals(part.at(-1)?.name, "fdatasync", "All of it is synced at last");
  assert(part.at(-1)!.ended < named.began, "It is named when it is synced");
  const synced = firstAfter(calls, named, { name: "fsync", on: directory });
  assert(synced.ended < before.began, "The directory is synced in time");
}

function firstOf(calls: readonly Call[], log: string, value: string): Call {
  return the(
    calls.find(({ name, on, bytes }) =>
      name === "write" && on === log &&
      new TextDecoder("latin1").decode(bytes).includes(value)
    ),
    `"${value}" in the log`,
  );
}

Deno.test({
  name: `fdatasync comes before a vote${NO_STRACE}`,
  ignore: NO_STRACE !== "",
  fn: async () => {
    await using scratch = await Scratch.make();
    const data = `${scratch.path}/data`;
    await Deno.mkdir(data);
    await using cluster = await Cluster.start({ size: 3, data });
    const follower = await cluster.follower();
    const file = `${scratch.path}/trace`;
    {
      await using _tracer = await Tracer.attach(follower.pid, file);
      using client = await connectTo(cluster.addrs[0]!, 5_000);
      let rev = 0;
      for (let n = 0; n < WRITES; n++) {
        rev = await client.set("/x", `value ${n}`);
      }
      await until("the follower has it, too", async () => {
        return (await statusAt(follower.addr))?.rev === rev;
      });
    }
    const calls = await readTrace(file);
    const votes = calls.flatMap((call) =>
      messagesIn(call).map((message) => ({ call, message }))
    );
    let count = 0;
    for (const { call, message } of votes) {
      if (message.type !== "accepted") continue;
      const { seqn, ballot } = message;
      const write = the(
        calls.find((write) =>
          recordsIn(write, directoryOf(follower)).some((record) =>
            record.type === "accepted" && record.accepted.seqn === seqn &&
            record.accepted.ballot.round === ballot.round
          )
        ),
        `slot ${seqn} in the log`,
      );
      const { on } = write;
      const sync = firstAfter(calls, write, { name: "fdatasync", on });
      assert(
        sync.ended < call.began,
        `The vote for slot ${seqn} was too early`,
      );
      count++;
    }
    assert(count >= WRITES / 2, `${count} votes were seen`);
  },
});

/** The messages that a node sends by a call; the first ones were a greeting. */
function messagesIn({ name, on, bytes }: Call): PeerMessage[] {
  const messages: PeerMessage[] = [];
  if (name !== "sendto" || !on.startsWith("TCP")) return messages;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length;) {
    const start = at + 4;
    at = start + view.getUint32(at);
    const reader = new WireReader();
    if (at === start || at > bytes.length) continue;
    reader.reset(bytes, { start, end: at });
    try {
      messages.push(decodePeerMessage(reader));
    } catch (error) {
      // The answers to clients are no messages.
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  return messages;
}

/** The records that a node writes to its log by a call. */
function recordsIn({ name, on, bytes }: Call, directory: string): LogRecord[] {
  const records: LogRecord[] = [];
  if (name !== "write" || !on.startsWith(`${directory}/log-`)) return records;
  decodeRecords(bytes.subarray(HEAD_BYTES), (record) => records.push(record));
  return records;
}
