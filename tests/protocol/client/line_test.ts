/**
 * A line: answers find who awaits them, and nobody is told after the end.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Line, type Taker } from "../../../protocol/client/line.ts";
import { ANSWER_BYTES_MAX } from "../../../protocol/event_bytes.ts";
import type { ResponseEncoder } from "../../../protocol/mod.ts";
import { concatBytes, frameHeader } from "../raw_client.ts";
import { encoded } from "./rig.ts";

/** A line whose socket is the test. */
class Bench {
  readonly told: string[] = [];
  readonly line: Line;
  now = 0;
  closed = 0;

  constructor() {
    this.line = new Line({
      opened: () => this.told.push("opened"),
      awaits: () => this.told.push("awaits"),
      ended: (_, why) => this.told.push(`ended: ${why}`),
    }, { address: "a:1", number: 1, now: () => this.now });
    this.line.connect(() => ({
      hasOutput() {},
      close: () => this.closed++,
    }));
  }

  taker(name: string, act: () => void = () => {}): Taker {
    const tell = (what: string) => {
      this.told.push(`${name} ${what}`);
      act();
    };
    return {
      answered: ({ rev }, bytes) => tell(`rev ${rev}, ${bytes} bytes`),
      refused: ({ code }) => tell(code),
      lost: () => tell("lost"),
    };
  }

  receive(write: (answers: ResponseEncoder) => void): void {
    this.line.received(encoded(write));
  }

  /** What was told since the last call, but that something is awaited. */
  take(): string[] {
    return this.told.splice(0).filter((what) => what !== "awaits");
  }
}

Deno.test("Line gives answers to who asked, in whatever order", () => {
  const bench = new Bench();
  const a = bench.line.ask("GET", {}, bench.taker("a"));
  const b = bench.line.ask("GET", {}, bench.taker("b"));
  const bytes = encoded((answers) => {
    answers.rev(b, 7);
    answers.error(a, "ISDIR");
    answers.rev(a, 8); // Nobody's: it was answered.
    answers.rev(999, 9);
  });
  // However they are cut.
  for (const byte of bytes) bench.line.received(Uint8Array.of(byte));
  assertEquals(bench.take(), ["b rev 7, 8 bytes", "a ISDIR"]);
  assertEquals([bench.line.isUsed, bench.line.owesAnswers], [false, false]);
});

Deno.test("Line streams answers until one is a refusal", () => {
  const bench = new Bench();
  const tag = bench.line.stream("WATCH", {}, bench.taker("w"));
  assertEquals([bench.line.isUsed, bench.line.owesAnswers], [true, false]);
  bench.receive((answers) => {
    answers.mark(tag, 3);
    answers.mark(tag, 4);
    answers.error(tag, "TOO_LATE");
    answers.mark(tag, 5);
  });
  const marks = [3, 4].map((rev) => `w rev ${rev}, 10 bytes`);
  assertEquals(bench.take(), [...marks, "w TOO_LATE"]);
  assertEquals(bench.line.isUsed, false);
});

Deno.test("cancel() keeps the tag until the server has done with it", () => {
  const bench = new Bench();
  const { line } = bench;
  const watch = line.stream("WATCH", {}, bench.taker("w"));
  line.cancel(watch);
  line.cancel(999);
  const asked = line.ask("GET", {}, bench.taker("g"));
  assertEquals(asked, watch + 2); // The CANCEL has one, too.
  bench.receive((answers) => {
    answers.mark(watch, 3); // It was on its way.
    answers.done(watch + 1);
    answers.rev(asked, 9);
  });
  assertEquals(bench.take(), ["g rev 9, 8 bytes"]);
  assertEquals([line.isUsed, line.owesAnswers], [false, false]);
});

Deno.test("forget() leaves the answer to nobody, and frees the tag", () => {
  const bench = new Bench();
  const tag = bench.line.ask("GET", {}, bench.taker("g"));
  bench.line.forget(tag);
  assertEquals(bench.line.owesAnswers, true);
  bench.receive((answers) => answers.rev(tag, 9));
  assertEquals([bench.take(), bench.line.isUsed], [[], false]);
});

Deno.test("Line ends with the server's reason, or for what is no answer", () => {
  const varint = new Uint8Array(11).fill(0xff);
  const cases: readonly [string, Uint8Array, RegExp][] = [
    [
      "one too many",
      encoded((answers) => answers.error(0, "LIMIT", "too many")),
      /ended: too many$/,
    ],
    ["too long", frameHeader(ANSWER_BYTES_MAX + 1), /no answer: The frame/],
    ["negative", frameHeader(-1), /no answer: The frame/],
    ["garbage", concatBytes([frameHeader(11), varint]), /no answer: /],
  ];
  for (const [name, bytes, why] of cases) {
    const bench = new Bench();
    bench.line.ask("GET", {}, bench.taker("g"));
    bench.line.received(bytes);
    const [lost, ended = ""] = bench.take();
    assertEquals([lost, why.test(ended)], ["g lost", true], name);
    assertEquals([bench.closed, bench.line.isEnded], [1, true], name);
  }
});

Deno.test("Line tells nobody anything after its end", () => {
  const bench = new Bench();
  const { line } = bench;
  const tag = line.ask("GET", {}, bench.taker("a", () => line.end("enough")));
  line.stream("WATCH", {}, bench.taker("w"));
  bench.receive((answers) => {
    answers.rev(tag, 1);
    answers.mark(tag + 1, 2); // In the same bytes, behind the end.
  });
  const told = ["a rev 1, 8 bytes", "w lost", "ended: enough"];
  assertEquals(bench.take(), told);
  line.end("again");
  line.opened();
  bench.receive((answers) => answers.mark(tag + 1, 2));
  assertEquals(bench.take(), []);
});

Deno.test("who asks a line that has ended is told so at once", () => {
  const bench = new Bench();
  const { line } = bench;
  line.ask(
    "GET",
    {},
    bench.taker("a", () => {
      line.ask("GET", {}, bench.taker("late"));
    }),
  );
  line.end("reset");
  assertEquals(bench.take(), ["a lost", "late lost", "ended: reset"]);
  assertEquals(line.isUsed, false);
});

Deno.test("quietSince begins anew when something comes, or is first owed", () => {
  const bench = new Bench();
  const { line } = bench;
  const at = (now: number, act: () => void) => {
    bench.now = now;
    bench.told.length = 0;
    act();
    return [line.quietSince, bench.told.includes("awaits")];
  };
  assertEquals(at(10, () => line.stream("WATCH", {}, bench.taker("w"))), [
    10,
    true,
  ]);
  assertEquals(at(20, () => line.stream("WATCH", {}, bench.taker("w"))), [
    10,
    false,
  ]);
  const ask = () => line.ask("GET", {}, bench.taker("g"));
  assertEquals(at(30, ask), [30, true]);
  assertEquals(at(40, ask), [30, false]);
  assertEquals(at(50, () => bench.receive((answers) => answers.rev(3, 1))), [
    50,
    false,
  ]);
});

Deno.test("Line allows what is on a slow way its time", () => {
  const bench = new Bench();
  bench.line.ask(
    "SET",
    { value: new Uint8Array(128_000) },
    bench.taker("a"),
  );
  assertEquals(bench.line.wayMs, 0, "It has not left yet");
  bench.line.takeOutput();
  assertEquals(Math.floor(bench.line.wayMs), 1_000);
  bench.now = 900;
  assertEquals(Math.floor(bench.line.wayMs), 100);
  bench.now = 1_100;
  assertEquals(bench.line.wayMs, 0);
  bench.line.ask("SET", { value: new Uint8Array(1 << 20) }, bench.taker("b"));
  bench.line.takeOutput();
  assertEquals(bench.line.wayMs, 6_000, "but no more than that");
});
