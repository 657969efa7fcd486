/**
 * Races of reading, writing and settling that a real socket shows seldom.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Turn } from "../../../protocol/net/mod.ts";
import { LIMITS } from "../../../store/mod.ts";
import { FakeBackend, splitFrames } from "../fake_backend.ts";
import { concatBytes, frameRequest } from "../raw_client.ts";
import type { RawRequest } from "../raw_client.ts";
import { FakeConn, serveConn } from "./fake_conn.ts";

/** A node that settles in the turn after a proposal, as the real one does. */
function promptNode(): { backend: FakeBackend; turn: Turn } {
  const backend = new FakeBackend();
  const turn = new Turn((error) => {
    throw error;
  });
  turn.drive({ run: () => backend.settle(), busy: false });
  const { propose } = backend;
  backend.propose = (mutation, reply) => {
    propose.call(backend, mutation, reply);
    turn.wanted();
  };
  return { backend, turn };
}

/** Lets everything run that can. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function bytesOf(request: RawRequest, count = 1): Uint8Array {
  return concatBytes(Array(count).fill(frameRequest(request)));
}

Deno.test("requests that were read while paused are not lost at the end", async () => {
  const node = promptNode();
  const conn = new FakeConn();
  const { server, log } = serveConn(conn, node);
  // So many that the connection is paused a second time when it goes on.
  const count = 2 * LIMITS.requestsInFlight + 600;
  conn.bring(bytesOf({ verb: "NOP" }, count));
  conn.bring(null);
  await settled();
  // The client is slow to read its answers.
  while (conn.finishWrite()) await settled();
  const answers = conn.written.flatMap(splitFrames);
  assertEquals(answers.length, count);
  assertEquals(log.lines.at(-1), "debug: 127.0.0.1:1 has left");
  server.close();
});

Deno.test("what a read brings after the connection has ended is not done", async () => {
  const node = promptNode();
  const conn = new FakeConn();
  const { server } = serveConn(conn, node);
  conn.bring(bytesOf({ tag: 1, verb: "REV" }));
  await settled();
  conn.finishWrite(new Deno.errors.BrokenPipe("The client is gone"));
  await settled();
  assertEquals(conn.closed, true);
  // The read that was under way has brought something all the same.
  conn.bring(bytesOf({ tag: 2, verb: "WAIT", path: "/a", rev: 2 ** 40 }));
  conn.bring(null);
  await settled();
  assertEquals(node.backend.store.waits.count(), 0);
  server.close();
});

Deno.test("a failed connection ends though its writes are never settled", async () => {
  const backend = new FakeBackend();
  const turn = new Turn((error) => {
    throw error;
  });
  const conn = new FakeConn();
  const { server, log } = serveConn(conn, { backend, turn });
  conn.bring(bytesOf({ tag: 1, verb: "NOP" }));
  conn.bring(Uint8Array.of(0, 0, 0, 1, 0));
  while (!conn.closed) await log.find(/Ended/);
  assertEquals(conn.written, []);
  server.close();
});

Deno.test("who takes all at once is told of the past in turn with the others", async () => {
  const node = promptNode();
  const { backend, turn } = node;
  const { waits } = backend.store;
  turn.drive({
    run: () => waits.catchUp(100_000),
    get busy() {
      return waits.behind;
    },
  });
  waits.onBehind = turn.wanted;
  const events = 5_000;
  for (let i = 0; i < events; i++) backend.write("/a", new Uint8Array(1000));
  const conn = new FakeConn();
  let sent = 0;
  conn.write = (bytes) => {
    conn.written.push(bytes.slice());
    sent += bytes.length;
    return Promise.resolve(bytes.length);
  };
  const { server } = serveConn(conn, node);
  conn.bring(bytesOf({ tag: 5, verb: "WATCH", path: "/a", rev: 1 }));
  for (let turns = 1; sent < events * 1000; turns++) {
    const before = sent;
    await settled();
    const most = 3 * LIMITS.unreadBytesSoft;
    assert(sent - before <= most, `${sent - before} bytes in one turn`);
    assert(turns < 1000, `only ${sent} bytes came`);
  }
  const answers = conn.written.flatMap(splitFrames);
  assertEquals(answers.length, 1 + events, "the mark, and each event once");
  conn.bring(null);
  server.close();
  turn.stop();
});
