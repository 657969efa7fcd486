/**
 * The writer: what was told of a write holds, whatever is lost.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ErrorCode } from "../../../store/mod.ts";
import { LIMITS } from "../../../store/mod.ts";
import { type Asked, EXTENSIONS, LINEAGE, Rig, Scripted } from "./rig.ts";
import { Down } from "./world.ts";

/** A server that opens sessions 7, 8...; the rest is up to the test. */
function server(onAsked: (asked: Asked) => void = () => {}): Scripted {
  let opened = 6;
  return new Scripted((asked) => {
    const { verb, request, reply } = asked;
    if (verb !== "SESSION" || request.session !== undefined) onAsked(asked);
    else reply((answers, tag) => answers.session(tag, ++opened));
  });
}

/** Answers all in order. */
function obliging(): Scripted {
  let rev = 0;
  return server(({ reply }) =>
    reply((answers, tag) => answers.rev(tag, ++rev))
  );
}

function refuse({ reply }: Asked, code: ErrorCode): void {
  reply((answers, tag) => answers.error(tag, code, "no"));
}

/** The commands that came, as "VERB session/number acknowledged path". */
function commandsOf({ asked }: Scripted): string[] {
  return asked.map(({ verb, request }) => {
    const { session, number, acknowledged, path = "" } = request;
    return session === undefined
      ? verb
      : `${verb} ${session}/${number} ${acknowledged} ${path}`.trim();
  });
}

Deno.test("Writer opens a session, numbers commands and acknowledges", () => {
  const a = obliging();
  const rig = new Rig({ "a:1": a }, { name: "me" }).start();
  const told = [rig.set("/a"), rig.set("/b")];
  rig.world.run(10);
  const third = rig.set("/c");
  rig.world.run(10);
  assertEquals([...told, third].map(({ text }) => text), [
    "rev 1",
    "rev 2",
    "rev 3",
  ]);
  assertEquals(commandsOf(a), [
    "SESSION",
    "SET 7/1 0 /a",
    "SET 7/2 0 /b",
    "SET 7/3 2 /c",
  ]);
  assertEquals(new TextDecoder().decode(a.asked[0]!.request.value), "me");
  assertEquals(a.last.request.lineage, LINEAGE);
  assertEquals(rig.core.seen, 3);
});

Deno.test("a command whose answer is lost goes again under its number", () => {
  const a = server();
  const b = obliging();
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  const told = [rig.set("/a"), rig.set("/b")];
  rig.world.run(10);
  a.pipe.cut();
  rig.world.run(10);
  assertEquals(commandsOf(b), ["SET 7/1 0 /a", "SET 7/2 0 /b"]);
  assertEquals(told.map(({ text }) => text), ["rev 1", "rev 2"]);
});

Deno.test("what a body is does not change while it is on its way", () => {
  const a = server();
  const b = obliging();
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  const value = new TextEncoder().encode("mine");
  const order = { verb: "SET", ask: { path: "/a", rev: -1, value } } as const;
  const asker = { written() {}, failed() {} };
  rig.core.write({ ...order, timeoutMs: 0 }, asker);
  rig.world.run(10);
  value.fill(0);
  a.pipe.cut();
  rig.world.run(10);
  assertEquals(new TextDecoder().decode(b.last.request.value), "mine");
});

Deno.test("a command that was handed out is UNKNOWN when its time is over", () => {
  const a = server();
  const rig = new Rig({ "a:1": a }).start();
  const sent = rig.set("/a", { timeoutMs: 500 });
  rig.world.run(10);
  const from = rig.world.now() - 10;
  rig.world.until(() => sent.text !== undefined);
  assertEquals([sent.text, sent.at - from], ["UNKNOWN", 500]);
  // Its number still goes, for those behind it wait for that; but what has not
  // taken effect by now shall not do so later.
  a.pipe.cut();
  rig.world.until(() => a.asked.length === 3);
  assertEquals(commandsOf(a)[2], "SESSION 7/1 0");
});

Deno.test("one that never was is UNAVAILABLE, and does not go any more", () => {
  const a = obliging();
  const rig = new Rig({ "a:1": new Down() });
  rig.core.start();
  const [told, aborted] = [rig.set("/a", { timeoutMs: 500 }), rig.set("/b")];
  aborted.giveUp("enough");
  const from = rig.world.now();
  rig.world.until(() => told.text !== undefined);
  assertEquals([told.text, told.at - from], ["UNAVAILABLE", 500]);
  assertEquals([aborted.text, aborted.at], ["UNAVAILABLE", from]);
  rig.world.hosts.set("a:1", a);
  rig.set("/c");
  rig.world.run(10_000);
  assertEquals(commandsOf(a), ["SESSION", "SET 7/1 0 /c"]);
});

Deno.test("one that was refused everywhere is ordered empty, when told", () => {
  let refusing = true;
  const a = server((asked) => {
    if (refusing) return refuse(asked, "UNAVAILABLE");
    asked.reply((answers, tag) => answers.done(tag));
  });
  const rig = new Rig({ "a:1": a }).start();
  const told = rig.set("/a");
  // It is told when it is certain: whoever asks again at once must not revive
  // it.
  told.onEnd = () => rig.set("/b");
  rig.world.until(() => told.text !== undefined);
  refusing = false;
  rig.world.run(1_000);
  assertEquals(told.text, "UNAVAILABLE");
  assertEquals(commandsOf(a), [
    "SESSION",
    "SET 7/1 0 /a",
    "SESSION 7/1 0",
    "SET 7/2 0 /b",
  ]);
});

Deno.test("a refusal of the server's alone is told, and its number emptied", () => {
  for (const code of ["DENIED", "OTHER", "MISSING_ARG"] as const) {
    const a = server((asked) => {
      if (asked.verb === "SET") return refuse(asked, code);
      asked.reply((answers, tag) => answers.done(tag));
    });
    const rig = new Rig({ "a:1": a }).start();
    const told = rig.set("/a");
    told.onEnd = () => rig.core.write(NOP, { written() {}, failed() {} });
    rig.world.run(10);
    assertEquals(told.text, code);
    assertEquals(commandsOf(a), [
      "SESSION",
      "SET 7/1 0 /a",
      "SESSION 7/1 0",
      "NOP 7/2 0",
    ], code);
  }
});

const NOP = { verb: "NOP", ask: {}, timeoutMs: 0 } as const;

Deno.test("the same is UNKNOWN where an answer was lost before", () => {
  const a = server();
  const b = server((asked) => refuse(asked, "DENIED"));
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  const told = rig.set("/a");
  rig.world.run(10);
  a.pipe.cut(); // It may have been applied.
  rig.world.run(10);
  assertEquals(told.text, "UNKNOWN");
});

Deno.test("outcomes of the log are told as they are, a repeated one too", () => {
  const codes = ["REV_MISMATCH", "ISDIR", "NOTDIR", "LIMIT", "SEAT"] as const;
  for (const code of codes) {
    const a = server((asked) => refuse(asked, code));
    const rig = new Rig({ "a:1": a }).start();
    const told = [rig.set("/a"), rig.set("/b")];
    rig.world.run(10);
    assertEquals(told.map(({ text }) => text), [code, code]);
    rig.set("/c");
    rig.world.run(10);
    // Its number is used, and known to be.
    assertEquals(commandsOf(a).at(-1), "SET 7/3 2 /c", code);
  }
});

Deno.test("a callback that writes does not send others again", () => {
  const a = obliging();
  const rig = new Rig({ "a:1": a }).start();
  const first = rig.set("/a");
  first.onEnd = () => rig.set("/b");
  rig.world.run(10);
  assertEquals(commandsOf(a), ["SESSION", "SET 7/1 0 /a", "SET 7/2 1 /b"]);
});

Deno.test("a session that ended: what is unsure is told, the rest goes on", () => {
  const a = server();
  const b = server((asked) => {
    if (asked.request.session === 7) return refuse(asked, "SESSION");
    asked.reply((answers, tag) => answers.rev(tag, 9));
  });
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  const unsure = rig.set("/a");
  rig.world.run(10);
  a.pipe.cut();
  const fresh = rig.set("/b");
  rig.world.run(6);
  assertEquals([unsure.text, fresh.text], ["UNKNOWN", undefined]);
  assertEquals(commandsOf(b).slice(0, 2), ["SET 7/1 0 /a", "SET 7/2 0 /b"]);
});

Deno.test("commands that were not applied go into the next session", () => {
  const a = server((asked) => {
    if (asked.request.session === 7) return refuse(asked, "SESSION");
    asked.reply((answers, tag) => answers.rev(tag, 9));
  });
  const rig = new Rig({ "a:1": a }).start();
  const told = [rig.set("/a"), rig.set("/b")];
  rig.world.run(100);
  assertEquals(told.map(({ text }) => text), ["rev 9", "rev 9"]);
  assertEquals(commandsOf(a), [
    "SESSION",
    "SET 7/1 0 /a",
    "SET 7/2 0 /b",
    "SESSION",
    "SET 8/1 0 /a",
    "SET 8/2 0 /b",
  ]);
});

Deno.test("no refusal makes the writer spin", () => {
  const codes = ["SESSION", "GAP", "NUMBER", "UNAVAILABLE", "UNKNOWN", "OTHER"]
    .concat("LINEAGE", "DENIED", "READONLY") as ErrorCode[];
  for (const code of codes) {
    for (const servers of [1, 2]) {
      const a = server((asked) => refuse(asked, code));
      const hosts = servers === 1 ? { "a:1": a } : { "a:1": a, "b:1": a };
      const rig = new Rig(hosts).start();
      const told = rig.set("/a", { timeoutMs: 20_000 });
      rig.world.run(60_000);
      const { length } = a.asked;
      assertEquals(length < 400, true, `${code}: ${length} requests`);
      assertEquals(told.text === undefined, false, code);
    }
  }
});

Deno.test("a session that cannot be opened fails what waits for it", () => {
  const cases: readonly [ErrorCode, string][] = [
    ["UNAVAILABLE", "UNAVAILABLE"],
    ["UNKNOWN", "UNAVAILABLE"], // Nothing was written.
    ["DENIED", "DENIED"],
    ["LIMIT", "LIMIT"],
  ];
  for (const [code, told] of cases) {
    const a = new Scripted((asked) => refuse(asked, code));
    const rig = new Rig({ "a:1": a, "b:1": a }).start();
    const write = rig.set("/a");
    rig.world.run(10_000);
    assertEquals(write.text, told);
    assertEquals(a.asked.length <= 2, true, code);
  }
});

Deno.test("leave() while others are on the line: they go on elsewhere", () => {
  // (8) The first is refused, the second's answer is never seen.
  const a = server((asked) => {
    if (asked.request.path === "/a") refuse(asked, "UNAVAILABLE");
  });
  const b = obliging();
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  const told = [rig.set("/a"), rig.set("/b"), rig.set("/c")];
  const read = rig.ask("GET", { path: "/x" });
  rig.world.run(20);
  assertEquals(told.map(({ text }) => text), ["rev 1", "rev 2", "rev 3"]);
  assertEquals([read.text, a.pipe.closed], ["rev 4", true]);
  assertEquals(commandsOf(b).filter((what) => what.startsWith("SET")), [
    "SET 7/1 0 /a",
    "SET 7/2 0 /b",
    "SET 7/3 0 /c",
  ]);
});

Deno.test("what nobody awaits does not drive the client from its server", () => {
  const a = server((asked) => {
    if (asked.verb !== "WAIT") refuse(asked, "UNAVAILABLE");
  });
  const rig = new Rig({ "a:1": a, "b:1": a }).start();
  const wait = rig.ask("WAIT", { path: "/x", rev: 1 });
  const told = rig.set("/a");
  rig.world.until(() => told.text !== undefined);
  const { length } = rig.world.dials;
  rig.world.run(30_000);
  // Its number is still tried to be emptied, and the wait stands.
  assertEquals([rig.world.dials.length, wait.text], [length, undefined]);
  assertEquals(a.last.verb, "SESSION");
});

Deno.test("no more commands than the session's window are on their way", () => {
  const a = server();
  const rig = new Rig({ "a:1": a }).start();
  for (let i = 0; i < LIMITS.sessionWindow + 10; i++) rig.set(`/a${i}`);
  rig.world.run(10);
  assertEquals(a.asked.length, 1 + LIMITS.sessionWindow);
  a.asked[2]!.reply((answers, tag) => answers.rev(tag, 1)); // Not the first.
  rig.world.run(10);
  assertEquals(a.asked.length, 1 + LIMITS.sessionWindow);
  a.asked[1]!.reply((answers, tag) => answers.rev(tag, 1));
  rig.world.run(10);
  assertEquals(a.asked.length, 3 + LIMITS.sessionWindow);
});

Deno.test("a server of the original: one attempt, and what is lost is unknown", () => {
  const a = new Scripted();
  a.greeting = undefined;
  const rig = new Rig({ "a:1": a }).start();
  const told = [rig.set("/a"), rig.set("/b")];
  rig.world.run(10);
  a.asked[0]!.reply((answers, tag) => answers.rev(tag, 4));
  rig.world.run(10);
  a.pipe.cut();
  const late = rig.set("/c");
  rig.world.run(200);
  assertEquals([...told, late].map(({ text }) => text), [
    "rev 4",
    "UNKNOWN",
    undefined,
  ]);
  assertEquals(commandsOf(a), ["SET", "SET", "SET"]);
});

Deno.test("what has a number never goes without it", () => {
  // The next server knows no sessions: it could not tell a repeat.
  const a = server();
  const b = new Scripted(({ reply }) =>
    reply((answers, tag) => answers.rev(tag, 5))
  );
  b.greeting = { lineage: LINEAGE, extensions: [EXTENSIONS[0]] };
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  const told = rig.set("/a");
  rig.world.run(10);
  a.pipe.cut();
  const fresh = rig.set("/b");
  rig.world.run(10);
  assertEquals([told.text, fresh.text, b.asked.length], [
    "UNKNOWN",
    "rev 5",
    1,
  ]);
});
