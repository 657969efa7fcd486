/**
 * Questions: asked again where that does no harm, and never for ever.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Verb } from "../../../protocol/mod.ts";
import { DoozerError, type ErrorCode } from "../../../store/mod.ts";
import { type Asked, Rig, Scripted } from "./rig.ts";
import { Down } from "./world.ts";

/** Answers with that rev. */
function says(rev: number): (asked: Asked) => void {
  return ({ reply }) => reply((answers, tag) => answers.rev(tag, rev));
}

function refuses(code: ErrorCode): (asked: Asked) => void {
  return ({ reply }) => reply((answers, tag) => answers.error(tag, code, "no"));
}

const GET = { path: "/a" };

Deno.test("a question waits for a line, and goes again where one is lost", () => {
  const a = new Scripted();
  const b = new Scripted(says(4));
  const rig = new Rig({ "a:1": a, "b:1": b });
  const told = rig.ask("GET", GET);
  rig.start();
  rig.world.run(10);
  assertEquals([a.verbs, told.text], ["GET", undefined]);
  a.pipe.cut();
  rig.world.run(10);
  assertEquals([b.verbs, told.text], ["GET", "rev 4"]);
});

Deno.test("what changes something, or is for one line, is asked once", () => {
  const cases: readonly [Verb, boolean, ErrorCode][] = [
    ["RECOVER", false, "UNKNOWN"],
    ["SET", false, "UNKNOWN"],
    ["BACKUP", true, "UNAVAILABLE"],
    ["ACCESS", true, "UNAVAILABLE"],
  ];
  for (const [verb, once, code] of cases) {
    const a = new Scripted();
    const b = new Scripted(says(1));
    const rig = new Rig({ "a:1": a, "b:1": b }).start();
    const told = rig.ask(verb, {}, { once });
    rig.world.run(10);
    a.pipe.cut();
    rig.world.run(10);
    assertEquals([told.text, b.verbs], [code, ""], verb);
  }
});

Deno.test("every server is asked that might know, each once", () => {
  const cases: readonly [ErrorCode, string, number][] = [
    ["UNAVAILABLE", "UNAVAILABLE", 3],
    ["READONLY", "READONLY", 3],
    ["ISDIR", "ISDIR", 1],
    ["DENIED", "DENIED", 1],
    ["TOO_LATE", "TOO_LATE", 1],
  ];
  for (const [code, text, times] of cases) {
    const a = new Scripted(refuses(code));
    const rig = new Rig({ "a:1": a, "b:1": a, "c:1": a }).start();
    const told = rig.ask("GET", GET);
    rig.world.run(100);
    assertEquals([told.text, a.asked.length], [text, times], code);
  }
});

Deno.test("a question is given up in time, with what is known of why", () => {
  const cases: readonly [Verb, string][] = [
    ["GET", "UNAVAILABLE"],
    ["WAIT", "TIMEOUT"],
  ];
  for (const [verb, code] of cases) {
    const rig = new Rig({ "a:1": new Down() });
    rig.core.start();
    const told = rig.ask(verb, GET, { timeoutMs: 333 });
    const from = rig.world.now();
    rig.world.until(() => told.text !== undefined);
    assertEquals([told.text, told.at - from], [code, 333]);
    assertEquals(told.error?.detail.includes("a:1: refused"), true);
  }
});

Deno.test("what stands on the server is taken back, the rest is not", () => {
  const cases: readonly [Verb, { path: string; rev?: number }, string][] = [
    ["WAIT", { path: "/a", rev: 1 }, "WAIT CANCEL"],
    ["GET", { path: "/a", rev: 99 }, "GET CANCEL"],
    ["GET", { path: "/a" }, "GET"],
  ];
  for (const [verb, ask, verbs] of cases) {
    const a = new Scripted();
    const rig = new Rig({ "a:1": a }).start();
    const told = rig.ask(verb, ask, { timeoutMs: 100 });
    rig.world.run(200);
    assertEquals([told.text === undefined, a.verbs], [false, verbs]);
    const { tag } = a.asked[0]!;
    if (verbs.endsWith("CANCEL")) assertEquals(a.last.request.target, tag);
    // An answer that comes after all is nobody's.
    a.pipe.send(encodedRev(a, tag));
    rig.world.run(10);
  }
});

function encodedRev(a: Scripted, tag: number): Uint8Array {
  let bytes = new Uint8Array(0);
  const { send } = a.pipe;
  a.pipe.send = (sent) => bytes = sent.slice();
  a.asked[0]!.reply((answers) => answers.rev(tag, 1));
  a.pipe.send = send;
  return bytes;
}

Deno.test("500 questions are on their way at most, and any number of WAITs", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const told = Array.from({ length: 700 }, () => rig.ask("GET", GET));
  for (let i = 0; i < 50; i++) rig.ask("WAIT", { path: "/a", rev: 1 });
  rig.world.run(10);
  const count = (verb: Verb) =>
    a.asked.filter((asked) => asked.verb === verb).length;
  assertEquals([count("GET"), count("WAIT")], [500, 50]);
  // Those given up make room: their answers are still owed, but not awaited.
  for (const { giveUp } of told.slice(0, 100)) giveUp("enough");
  a.onAsked = says(1);
  rig.world.run(2_000);
  for (const asked of a.asked.slice(0, 550)) {
    if (asked.verb === "GET") says(1)(asked);
  }
  rig.world.run(10);
  const texts = told.map(({ text }) => text);
  assertEquals(texts.filter((text) => text === "rev 1").length, 600);
  assertEquals(texts.filter((text) => text === "UNAVAILABLE").length, 100);
});

Deno.test("callbacks may give up others, and ask again, as a line is lost", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const first = rig.ask("BACKUP", {}, { once: true });
  const second = rig.ask("GET", GET);
  const third = rig.ask("BACKUP", {}, { once: true });
  let again = rig.ask("BACKUP", {}, { once: true });
  first.onEnd = () => {
    second.giveUp("enough");
    again = rig.ask("BACKUP", {}, { once: true });
  };
  rig.world.run(10);
  a.pipe.cut();
  assertEquals([first.text, second.text, third.text], [
    "UNAVAILABLE",
    "UNAVAILABLE",
    "UNAVAILABLE",
  ]);
  rig.world.until(() => a.asked.length === 5);
  says(3)(a.last);
  rig.world.run(10);
  assertEquals(again.text, "rev 3");
  // What is counted as being on its way is what is.
  const told = Array.from({ length: 600 }, () => rig.ask("GET", GET));
  rig.world.run(10);
  assertEquals(a.asked.length, 505);
  a.onAsked = says(1);
  for (const asked of a.asked.slice(5)) says(1)(asked);
  rig.world.run(10);
  assertEquals(told.every(({ text }) => text === "rev 1"), true);
});

Deno.test("what is asked from within a failure is asked, or refused", () => {
  const a = new Scripted(refuses("ISDIR"));
  const rig = new Rig({ "a:1": a }).start();
  const told = rig.ask("GET", GET);
  const more: { text: string | undefined }[] = [];
  told.onEnd = () => {
    more.push(rig.ask("GET", GET));
    rig.core.close();
    more.push(rig.ask("GET", GET));
  };
  rig.world.run(10);
  assertEquals(more.map(({ text }) => text), ["CLOSED", "CLOSED"]);
  assertEquals(a.asked.length, 1);
});

Deno.test("close() leaves open what came of a change that was asked for", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a });
  const early = rig.ask("RECOVER");
  early.giveUp("enough");
  rig.start();
  const told = [rig.ask("RECOVER"), rig.ask("GET", GET)];
  rig.world.run(10);
  rig.core.close();
  assertEquals(early.text, "UNAVAILABLE");
  assertEquals(told.map(({ text }) => text), ["UNKNOWN", "CLOSED"]);
});

Deno.test("a question that no server would take is never sent", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const told = [
    rig.ask("GET", { path: "/".repeat(2000) }),
    rig.ask("GET", { path: "/a", rev: NaN }),
    rig.ask("GET", { path: "/a", minRev: 0.5 }),
  ];
  rig.world.run(10);
  assertEquals(told.map(({ text }) => text), ["LIMIT", "OTHER", "OTHER"]);
  assertEquals(a.asked.length, 0);
  assertEquals(told[0]!.error instanceof DoozerError, true);
});
