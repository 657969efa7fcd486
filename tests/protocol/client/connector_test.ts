/**
 * The connector: some server that serves, whatever the others do.
 *
 * The client is called only when it asked to be: what should happen in time
 * and does not would never happen here.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { encodeText } from "../../../protocol/mod.ts";
import { encoded, EXTENSIONS, LINEAGE, Rig, Scripted } from "./rig.ts";
import { Down, type Host } from "./world.ts";

const SILENCE_MS = 2_000;

/** Whom the client dialled, since when, in ms from the first. */
function dialsOf({ world: { dials } }: Rig): string[] {
  return dials.map(({ address, time }) =>
    `${address} ${time - dials[0]!.time}`
  );
}

Deno.test("Connector tries one server after the other, without delay", () => {
  const rig = new Rig({ "a:1": new Down(), "b:1": new Scripted() }).start();
  assertEquals(dialsOf(rig), ["a:1 0", "b:1 1"]);
  assertEquals([rig.core.address, rig.core.lineage], ["b:1", LINEAGE]);
  assertEquals(rig.world.notices.map(({ type }) => type), [
    "lost",
    "connected",
  ]);
});

Deno.test("a server that accepts and says nothing is left in time", () => {
  for (const what of ["deaf", "silent"] as const) {
    const mute = new Scripted();
    mute[what] = true;
    const rig = new Rig({ "a:1": mute, "b:1": new Scripted() }).start();
    // The greeting has a time of its own, from when the way is open.
    const at = what === "silent" ? SILENCE_MS + 1 : SILENCE_MS;
    assertEquals(dialsOf(rig), ["a:1 0", `b:1 ${at}`], what);
    assertEquals(mute.pipe.closed, true, what);
  }
});

Deno.test("a server that sends what is no answer is left", () => {
  const cases = [
    [0xff, 0xff, 0xff, 0xff], // A frame that is too long.
    [0, 0, 0, 2, 0x0f, 0xff], // No protobuf.
  ];
  for (const bytes of cases) {
    const bad: Host = {
      dialled(pipe) {
        pipe.onBytes = () => pipe.send(Uint8Array.from(bytes));
        pipe.open();
      },
    };
    const rig = new Rig({ "a:1": bad, "b:1": new Scripted() }).start();
    assertEquals(rig.core.address, "b:1");
    // Alone it is tried again and again, but not without a pause.
    const alone = new Rig({ "a:1": bad });
    alone.core.start();
    alone.world.run(60_000);
    const { length } = alone.world.dials;
    assertEquals([length > 20, length < 60], [true, true], `${length} dials`);
    assertEquals(alone.told.includes("nobody UNAVAILABLE"), true);
  }
});

Deno.test("a server that greets and breaks off is not run over", () => {
  const server = new Scripted((asked) => asked.pipe.cut());
  const rig = new Rig({ "a:1": server }).start();
  rig.ask("GET", { path: "/a" });
  rig.world.run(60_000);
  const { length } = rig.world.dials;
  assertEquals([length > 20, length < 60], [true, true], `${length} dials`);
});

Deno.test("a server that is silent is asked, and left if it stays so", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a, "b:1": new Scripted() }).start();
  const { world } = rig;
  // Nothing is owed: it may be silent for as long as it likes.
  world.run(100_000);
  const from = world.now();
  assertEquals([a.hellos, world.dials.length], [1, 1]);
  a.silent = true;
  rig.ask("GET", { path: "/a" });
  world.run(SILENCE_MS / 2);
  assertEquals(a.hellos, 1);
  world.until(() => world.dials.length === 2);
  assertEquals([a.hellos, world.now() - from], [2, SILENCE_MS]);
});

Deno.test("what stands for long is looked after, too, as often as needed", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const { world } = rig;
  rig.ask("WAIT", { path: "/a", rev: 1 });
  world.run(100_000);
  // Every 1.5 times the silence: a HELLO, which is answered.
  assertEquals([a.hellos >= 33, a.hellos <= 35], [true, true], `${a.hellos}`);
  assertEquals(world.dials.length, 1);
  a.silent = true;
  const from = world.now();
  world.until(() => world.dials.length === 2);
  assertEquals(world.now() - from <= 2.5 * SILENCE_MS, true);
});

Deno.test("a question behind a watch is answered for in its own time", () => {
  // The watch alone would be looked after later.
  const a = new Scripted();
  const rig = new Rig({ "a:1": a, "b:1": new Scripted() }).start();
  const { world } = rig;
  rig.ask("WAIT", { path: "/a", rev: 1 });
  world.run(100);
  a.silent = true;
  rig.ask("GET", { path: "/a" });
  const from = world.now();
  world.until(() => world.dials.length === 2);
  assertEquals(world.now() - from, SILENCE_MS);
});

Deno.test("a server that is busy sending is there, if the answer is late", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a, "b:1": new Scripted() }).start();
  const { world } = rig;
  rig.ask("GET", { path: "/a" });
  world.run(10);
  a.silent = true;
  const bytes = encoded((answers) => answers.rev(999, 1));
  world.run(SILENCE_MS / 2 + 100); // It is asked whether it is there.
  for (let i = 0; i < 40; i++) {
    world.run(400);
    a.pipe.send(bytes.subarray(0, 3)); // A part of something large.
    a.pipe.send(bytes.subarray(3));
  }
  assertEquals(world.dials.length, 1);
  const from = world.now();
  world.until(() => world.dials.length === 2);
  assertEquals(world.now() - from <= SILENCE_MS, true);
});

Deno.test("a server of another history is none", () => {
  const other = new Scripted();
  other.greeting = { lineage: "L2", extensions: EXTENSIONS };
  const a = new Scripted();
  const rig = new Rig({ "a:1": a, "b:1": other }).start();
  a.pipe.cut();
  rig.world.until(() => rig.told.length === 2);
  assertEquals([rig.core.address, other.pipes.length], ["a:1", 1]);
  // Where it is the only one, it is said, and what waits fails.
  rig.world.hosts.set("a:1", new Down());
  a.pipe.cut();
  const asked = rig.ask("GET", { path: "/a" });
  const write = rig.set("/a");
  rig.world.until(() => asked.text !== undefined);
  assertEquals([asked.text, write.text], ["LINEAGE", "LINEAGE"]);
  assertEquals(other.asked.length, 0);
});

Deno.test("a server that lies about its history costs little", () => {
  // It greets with one lineage, and answers that it is of another.
  const liar = new Scripted(({ reply }) =>
    reply((answers, tag) => answers.error(tag, "LINEAGE", "other"))
  );
  const rig = new Rig({ "a:1": liar, "b:1": liar }).start();
  const told = rig.ask("GET", { path: "/a" }, { timeoutMs: 30_000 });
  rig.world.run(60_000);
  assertEquals([told.text, rig.world.dials.length < 100], [
    told.text === "LINEAGE" ? "LINEAGE" : "UNAVAILABLE",
    true,
  ]);
});

Deno.test("a ping tells when the server's history was replaced", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const wait = rig.ask("WAIT", { path: "/a", rev: 1 });
  a.greeting = { lineage: "L2", extensions: EXTENSIONS };
  rig.world.until(() => wait.text !== undefined);
  assertEquals(wait.text, "LINEAGE");
});

Deno.test("who may not read learns the history when it may, and means it", () => {
  const a = new Scripted(({ verb, reply }) => {
    if (verb !== "ACCESS") return reply((answers, tag) => answers.rev(tag, 1));
    a.greeting = { lineage: LINEAGE, extensions: EXTENSIONS };
    reply((answers, tag) => answers.done(tag));
  });
  a.greeting = { lineage: "", extensions: EXTENSIONS };
  const rig = new Rig({ "a:1": a }).start();
  assertEquals(rig.core.lineage, undefined);
  rig.ask("GET", { path: "/a" });
  rig.ask("ACCESS", { value: encodeText("s") }, { once: true });
  rig.world.run(10);
  assertEquals(a.asked.map(({ request }) => request.lineage), [
    undefined,
    undefined,
  ]);
  // Before it writes, for a session's commands must say it.
  rig.set("/a");
  rig.world.run(10);
  assertEquals([a.hellos, a.last.verb], [2, "SESSION"]);
  assertEquals([a.last.request.lineage, rig.core.lineage], [LINEAGE, LINEAGE]);
});

Deno.test("a node that is part of no history yet is told which is meant", () => {
  const a = new Scripted();
  const b = new Scripted();
  b.greeting = { lineage: "", extensions: EXTENSIONS };
  const rig = new Rig({ "a:1": a, "b:1": b }).start();
  rig.ask("GET", { path: "/a" });
  rig.world.run(10);
  a.pipe.cut();
  rig.world.run(10);
  assertEquals([b.last.verb, b.last.request.lineage], ["GET", LINEAGE]);
});

Deno.test("a server of the original serves, and gets no field it lacks", () => {
  const original = new Scripted();
  original.greeting = undefined;
  const rig = new Rig({ "a:1": original }).start();
  rig.ask("GET", { path: "/a" });
  rig.world.run(10);
  assertEquals([original.last.request.lineage, original.hellos], [
    undefined,
    1,
  ]);
});

Deno.test("a server that is found while none is there is tried at once", () => {
  const rig = new Rig({ "a:1": new Down() });
  rig.world.hosts.set("b:1", new Scripted());
  rig.core.start();
  rig.world.run(3_000); // The pause is long by now.
  const from = rig.world.now();
  rig.core.found(["b:1"]);
  rig.world.until(() => rig.told.includes("ready"));
  assertEquals(rig.world.now() - from < 10, true);
});

Deno.test("a server that is found while one serves is tried when that is lost", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  rig.world.hosts.set("b:1", new Scripted());
  rig.core.found(["b:1", "a:1"]);
  rig.world.run(10);
  assertEquals([rig.world.dials.length, rig.core.servers], [1, ["a:1", "b:1"]]);
  a.pipe.cut();
  rig.world.until(() => rig.told.length === 2);
  assertEquals(rig.core.address, "b:1");
});

Deno.test("every secret is given to every server; who refuses one is noted", () => {
  const a = new Scripted(({ verb, reply }) => {
    if (verb === "ACCESS") {
      reply((answers, tag) => answers.error(tag, "DENIED"));
    }
  });
  const rig = new Rig({ "a:1": a }, { secret: "x" }).start();
  assertEquals([a.verbs, rig.core.denied?.code], ["ACCESS", "DENIED"]);
  rig.core.remember("y");
  rig.core.remember("x");
  a.pipe.cut();
  rig.world.until(() => rig.told.filter((is) => is === "ready").length === 2);
  assertEquals(a.verbs, "ACCESS ACCESS ACCESS");
});
