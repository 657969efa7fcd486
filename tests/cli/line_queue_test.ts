/**
 * Lines for a standard error that may be stuck.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { LineQueue, QUEUE_BYTES } from "../../cli/line_queue.ts";

/** A pipe that takes nothing until it is opened. */
class Pipe {
  readonly #opened = Promise.withResolvers<void>();
  text = "";
  writes = 0;

  /** Takes at most this many bytes of a write. */
  constructor(readonly most = Infinity) {}

  open(): void {
    this.#opened.resolve();
  }

  queue(): LineQueue {
    return new LineQueue({
      write: async (bytes) => {
        this.writes++;
        await this.#opened.promise;
        const taken = bytes.subarray(0, this.most);
        this.text += new TextDecoder().decode(taken);
        return taken.length;
      },
      dropped: (lines) => `(${lines} dropped)\n`,
    });
  }
}

Deno.test("a queue writes what it was given, in order", async () => {
  const pipe = new Pipe(3);
  pipe.open();
  const queue = pipe.queue();
  for (const line of ["one\n", "two, longer\n", "three\n"]) queue.push(line);
  await queue.drained(1000);
  assertEquals(pipe.text, "one\ntwo, longer\nthree\n");
  queue.push("four\n");
  await queue.drained(1000);
  assert(pipe.text.endsWith("three\nfour\n"));
});

Deno.test("a stuck queue is bounded, and says what it dropped", async () => {
  const pipe = new Pipe();
  const queue = pipe.queue();
  const line = "x".repeat(1023) + "\n";
  const fit = QUEUE_BYTES / line.length;
  for (let i = 0; i < fit + 5; i++) queue.push(line);
  await queue.drained(1);
  assertEquals([pipe.writes, pipe.text], [1, ""]);
  pipe.open();
  await queue.drained(1000);
  assertEquals(pipe.text, line.repeat(fit) + "(5 dropped)\n");
  queue.push("after\n");
  await queue.drained(1000);
  assert(pipe.text.endsWith("(5 dropped)\nafter\n"));
});

Deno.test("a line that fits after dropped ones comes after their number", async () => {
  const pipe = new Pipe();
  const queue = pipe.queue();
  queue.push("a\n");
  queue.push("x".repeat(QUEUE_BYTES) + "\n");
  queue.push("b\n");
  pipe.open();
  await queue.drained(1000);
  assertEquals(pipe.text, "a\n(1 dropped)\nb\n");
});

Deno.test("nobody there: lines are lost, the node is not told", async () => {
  const queue = new LineQueue({
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
    dropped: () => "",
  });
  for (let i = 0; i < 3; i++) {
    queue.push("line\n");
    await queue.drained(1000);
  }
});
