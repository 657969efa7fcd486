/**
 * Turns: what comes in together is worked off together, once, and answered in
 * one write.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Turn } from "../../../protocol/net/mod.ts";

/** Lets all microtasks run, and the timers that are due. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

class FakeNode {
  readonly done: string[] = [];
  busy = false;

  run(): void {
    this.done.push("run");
  }

  flushable(name: string): { flush(): void } {
    return { flush: () => this.done.push(name) };
  }
}

function driven(): { turn: Turn; node: FakeNode; failures: unknown[] } {
  const failures: unknown[] = [];
  const turn = new Turn((error) => failures.push(error));
  const node = new FakeNode();
  turn.drive(node);
  return { turn, node, failures };
}

Deno.test("Turn works off inputs together, then flushes, in order", async () => {
  const { turn, node } = driven();
  turn.wanted();
  turn.hasOutput(node.flushable("a"));
  turn.wanted();
  turn.hasOutput(node.flushable("b"));
  assertEquals(node.done, [], "nothing runs within the call that asked");
  await Promise.resolve();
  assertEquals(node.done, ["run", "a", "b"]);
  await macrotask();
  assertEquals(node.done.length, 3, "nothing came since");
  turn.wanted();
  await Promise.resolve();
  assertEquals(node.done.slice(3), ["run"]);
});

Deno.test("Turn flushes what a flush brings in the next turn", async () => {
  const { turn, node } = driven();
  turn.hasOutput({
    flush() {
      node.done.push("first");
      turn.hasOutput(node.flushable("second"));
    },
  });
  await macrotask();
  assertEquals(node.done, ["run", "first", "run", "second"]);
});

Deno.test("Turn goes on by itself while the node is busy", async () => {
  const { turn, node } = driven();
  node.busy = true;
  turn.wanted();
  while (node.done.length < 5) await macrotask();
  node.busy = false;
  const { length } = node.done;
  await macrotask();
  await macrotask();
  assertEquals(node.done.length <= length + 1, true, "it rests again");
});

Deno.test("Turn has one timer, however often it is wanted while busy", async () => {
  // Each timer left over would fail this test: sanitizers are on.
  const { turn, node } = driven();
  node.busy = true;
  for (let i = 0; i < 10; i++) {
    turn.wanted();
    await Promise.resolve();
  }
  assertEquals(node.done.length, 10);
  turn.stop();
});

Deno.test("Turn stops when the node fails, and says why", async () => {
  const { turn, node, failures } = driven();
  const bug = new Error("A bug");
  node.run = () => {
    throw bug;
  };
  turn.hasOutput(node.flushable("never"));
  await macrotask();
  turn.wanted();
  await macrotask();
  assertEquals([failures, node.done], [[bug], []]);
});

Deno.test("Turn takes no turns any more once it is stopped", async () => {
  const { turn, node } = driven();
  turn.wanted();
  turn.stop();
  turn.wanted();
  turn.hasOutput(node.flushable("a"));
  await macrotask();
  assertEquals(node.done, []);
});

Deno.test("Turn does without a node", async () => {
  const turn = new Turn(() => {});
  const node = new FakeNode();
  turn.hasOutput(node.flushable("a"));
  await Promise.resolve();
  assertEquals(node.done, ["a"]);
});

Deno.test("Turn leaves no timer when it is stopped in the middle", async () => {
  const { turn, node } = driven();
  node.busy = true;
  turn.hasOutput({ flush: () => turn.stop() });
  await Promise.resolve();
  // The sanitizer of ops finds a timer that is left.
  assertEquals(node.done, ["run"]);
});

Deno.test("Turn tells many a few at a time, answers others meanwhile", async () => {
  const { turn, node } = driven();
  node.run = () => {
    for (let i = node.done.length; i < 250; i++) {
      turn.hasOutput(node.flushable("told"));
    }
    turn.hasUrgentOutput(node.flushable("peer"));
    node.run = () => {};
  };
  turn.wanted();
  await Promise.resolve();
  assertEquals(node.done.length, 101, "not all at once");
  assertEquals(node.done[0], "peer", "what others wait for leaves first");
  turn.hasOutput(node.flushable("answer"));
  await Promise.resolve();
  assertEquals(node.done[101], "answer", "who asks does not wait for them");
  await macrotask();
  assertEquals(node.done.length, 252, "all are told, each once");
  node.run = () => turn.hasOutput(node.flushable("next"));
  turn.wanted();
  await Promise.resolve();
  assertEquals(node.done[252], "next", "nothing of that is left");
  turn.stop();
});

Deno.test("Turn tells nobody more once it is stopped", async () => {
  const { turn, node } = driven();
  node.run = () => {
    for (let i = 0; i < 250; i++) turn.hasOutput(node.flushable("told"));
    node.run = () => {};
  };
  turn.wanted();
  await Promise.resolve();
  turn.stop();
  const { length } = node.done;
  await macrotask();
  assertEquals(node.done.length, length);
});
