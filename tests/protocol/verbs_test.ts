/**
 * The verb table: what each verb needs, whom it lets, and what it answers.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Right,
  type Secrets,
  type Verb,
  VERB_TABLE,
  VERBS,
} from "../../protocol/mod.ts";
import { LIMITS, Store } from "../../store/mod.ts";
import { FakeBackend, FakeClient, STATUS } from "./fake_backend.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

const NAMES = Object.keys(VERBS) as Verb[];

const RIGHTS: Readonly<Record<Verb, Right>> = {
  GET: "read",
  SET: "write",
  DEL: "write",
  REV: "none",
  WAIT: "read",
  NOP: "write",
  WALK: "read",
  GETDIR: "read",
  STAT: "read",
  SELF: "none",
  STATUS: "read",
  RECOVER: "write",
  BACKUP: "read all",
  HELLO: "none",
  SESSION: "write",
  WATCH: "read",
  CANCEL: "none",
  CREDIT: "none",
  ACCESS: "none",
};

Deno.test("VERB_TABLE has an entry with a right for every verb", () => {
  assertEquals(VERB_TABLE.size, NAMES.length);
  for (const name of NAMES) {
    assertEquals(VERB_TABLE.get(VERBS[name])?.right, RIGHTS[name], name);
  }
});

/** A request that has all that any verb needs. */
const WHOLE = {
  ...{ tag: 1, path: "/a", value: "", offset: 0, rev: 1 },
  ...{ target: 2, window: 1 },
};
const DENIED = {
  tag: 1,
  err_code: "OTHER",
  err_detail: "permission denied",
};
const RW = "write-secret";
const RO = "read-secret";

/** Whether the connection lets a verb pass. */
function passes(
  verb: Verb,
  { secrets, given }: { secrets: Secrets; given: string | undefined },
): boolean {
  const backend = new FakeBackend();
  backend.write("/a");
  const client = new FakeClient(backend, { secrets, extended: true });
  if (given !== undefined) client.ask({ verb: "ACCESS", value: given });
  client.send({ ...WHOLE, verb });
  backend.settle();
  const [answer] = client.readAll();
  assertEquals(answer?.tag, 1, "each verb answers");
  return answer?.err_detail !== "permission denied";
}

Deno.test("a connection checks the right of every verb", () => {
  const rows: [Secrets, given: string | undefined, Right[]][] = [
    [{}, undefined, ["none", "read", "write"]],
    [{ rw: RW }, undefined, ["none", "read"]],
    [{ rw: RW }, "wrong", ["none", "read"]],
    [{ rw: RW }, RW, ["none", "read", "write"]],
    [{ ro: RO }, undefined, ["none"]],
    [{ ro: RO }, "wrong", ["none"]],
    [{ ro: RO }, RO, ["none", "read"]],
    [{ rw: RW, ro: RO }, undefined, ["none"]],
    [{ rw: RW, ro: RO }, "wrong", ["none"]],
    [{ rw: RW, ro: RO }, RO, ["none", "read"]],
    [{ rw: RW, ro: RO }, RW, ["none", "read", "write"]],
  ];
  for (const [secrets, given, rights] of rows) {
    for (const verb of NAMES) {
      if (verb === "ACCESS") continue; // A wrong secret is denied, too.
      const label = JSON.stringify({ secrets, given, verb });
      const right = RIGHTS[verb] === "read all" ? "read" : RIGHTS[verb];
      const allowed = rights.includes(right);
      assertEquals(passes(verb, { secrets, given }), allowed, label);
    }
  }
});

Deno.test("ACCESS grants to its own connection, and takes nothing away", () => {
  const backend = new FakeBackend();
  const secrets = { rw: RW, ro: RO };
  const client = new FakeClient(backend, { secrets });
  const other = new FakeClient(backend, { secrets });
  const get = { tag: 1, verb: "GET", path: "/none" };
  const missing = { tag: 1, rev: 0, value: new Uint8Array() };
  const access = { tag: 1, verb: "ACCESS" };
  assertEquals(client.ask(get), [DENIED]);
  assertEquals(client.ask(access), [DENIED]);
  assertEquals(client.ask({ ...access, value: RO }), [{ tag: 1 }]);
  assertEquals(client.ask(get), [missing]);
  assertEquals(client.ask({ ...access, value: "wrong" }), [DENIED]);
  assertEquals(client.ask(get), [missing]);
  assertEquals(other.ask(get), [DENIED]);
  assert(client.connection.trusted);
  assert(!other.connection.trusted);
});

const NEEDS: Readonly<Record<Verb, readonly (keyof RawRequest)[]>> = {
  GET: ["path"],
  SET: ["path", "rev"],
  DEL: ["path", "rev"],
  REV: [],
  WAIT: ["path", "rev"],
  NOP: [],
  WALK: ["path", "offset"],
  GETDIR: ["path", "offset"],
  STAT: [],
  SELF: [],
  STATUS: [],
  RECOVER: [],
  BACKUP: ["offset"],
  HELLO: [],
  SESSION: [],
  WATCH: ["tag", "path"],
  CANCEL: ["target"],
  CREDIT: ["target", "window"],
  ACCESS: [],
};

Deno.test("a verb without what it needs answers MISSING_ARG", () => {
  const missing = { tag: 1, err_code: "MISSING_ARG" };
  for (const verb of NAMES) {
    const needs = NEEDS[verb];
    for (const field of Object.keys(WHOLE) as (keyof typeof WHOLE)[]) {
      const backend = new FakeBackend();
      backend.write("/a");
      const client = new FakeClient(backend, { extended: true });
      const request: RawRequest = { ...WHOLE, verb };
      delete request[field];
      client.send(request);
      backend.settle();
      const [answer] = client.readAll();
      const label = `${verb} without ${field}`;
      const { tag: _, ...untagged } = missing;
      const wanted = field === "tag" ? untagged : missing;
      if (needs.includes(field)) assertEquals(answer, wanted, label);
      else assert(answer?.err_code !== "MISSING_ARG", label);
    }
  }
});

const LONG = "/" + "x".repeat(LIMITS.pathBytes);
const BIG = new Uint8Array(LIMITS.valueBytes + 1);

Deno.test("the checks come in the original's order", () => {
  const rw = { rw: RW };
  const tooLong = (what: "path" | "glob"): RawResponse => {
    const unit = what === "path" ? "bytes" : "characters";
    const has = `The ${what} has ${LONG.length} ${unit}`;
    const err_detail = `LIMIT: ${has}, the limit is ${LIMITS.pathBytes}`;
    return { tag: 1, err_code: "OTHER", err_detail };
  };
  const badGlob = {
    tag: 1,
    err_code: "OTHER",
    err_detail: "invalid glob pattern: /[",
  };
  const code = (err_code: string): RawResponse => ({ tag: 1, err_code });
  const rows: [RawRequest, RawResponse, Secrets?][] = [
    [{ verb: 4, path: "/[", rev: -2 }, code("UNKNOWN_VERB"), rw],
    [{ verb: "SET", path: "" }, DENIED, rw],
    [{ verb: "SET", path: "" }, code("MISSING_ARG")],
    [{ verb: "SET", path: "", value: BIG, rev: -2 }, code("BAD_PATH")],
    [{ verb: "SET", path: LONG, value: BIG, rev: -2 }, tooLong("path")],
    [{ verb: "SET", path: "/a/b", rev: -2 }, code("NOTDIR")],
    [{ verb: "SET", path: "/d", rev: -3 }, code("REV_MISMATCH")],
    [{ verb: "SET", path: "/d", rev: -1 }, code("ISDIR")],
    [{ verb: "DEL", path: "", rev: -2 }, code("BAD_PATH")],
    [{ verb: "DEL", path: LONG, rev: -2 }, tooLong("path")],
    [{ verb: "DEL", path: "/a/b", rev: -2 }, code("REV_MISMATCH")],
    [{ verb: "DEL", path: "/d", rev: -3 }, code("REV_MISMATCH")],
    [{ verb: "DEL", path: "/d", rev: -1 }, code("ISDIR")],
    [{ verb: "WALK", path: "/[" }, code("MISSING_ARG")],
    [{ verb: "WALK", path: "/[", offset: -1, rev: 0 }, badGlob],
    [{ verb: "WALK", path: LONG, offset: 0 }, tooLong("glob")],
    [{ verb: "WALK", path: "/*", offset: -1, rev: 0 }, code("TOO_LATE")],
    [{ verb: "WALK", path: "/*", offset: -1 }, code("RANGE")],
    [{ verb: "WAIT", path: "/[" }, code("MISSING_ARG")],
    [{ verb: "WAIT", path: "/[", rev: 0 }, badGlob],
    [{ verb: "WAIT", path: LONG, rev: 0 }, tooLong("glob")],
    [{ verb: "WAIT", path: "/a", rev: 0 }, code("TOO_LATE")],
    [{ verb: "WATCH", path: "/[", window: 0, want: 64 }, badGlob],
    [{ verb: "WATCH", path: LONG, window: 0 }, tooLong("glob")],
    [{ verb: "WATCH", path: "/a", rev: 1 }, { ...code("TOO_LATE"), rev: 1 }],
    [{ verb: "WALK", path: "/[", limit: 0 }, badGlob],
    [{ verb: "WALK", path: "/*", limit: 1, rev: 0 }, code("TOO_LATE")],
    [{ verb: "WALK", path: "/*", limit: 1, offset: -1 }, code("RANGE")],
    [{ verb: "GETDIR", path: "/a", limit: 1, offset: -1 }, code("NOTDIR")],
    [{ verb: "GETDIR", path: "/d", limit: 1, offset: -1 }, code("RANGE")],
    [{ verb: "CANCEL", target: 1 }, code("NOENT")],
    [{ verb: "CREDIT", target: 1, window: 1 }, code("NOENT")],
    [{ verb: "GETDIR", path: "/a", offset: -1, rev: 0 }, code("TOO_LATE")],
    [{ verb: "GETDIR", path: "/a", offset: -1 }, code("NOTDIR")],
    [{ verb: "GETDIR", path: LONG, offset: -1 }, code("NOENT")],
    [{ verb: "GETDIR", path: "/d", offset: -1 }, code("RANGE")],
    [{ verb: "GET", path: "/d", rev: 0 }, code("TOO_LATE")],
    [{ verb: "GET", path: "/d" }, code("ISDIR")],
  ];
  for (const [request, answer, secrets = {}] of rows) {
    const backend = new FakeBackend(new Store({ historyRevs: 2 }));
    for (const path of ["/a", "/b", "/d/x"]) backend.write(path);
    const client = new FakeClient(backend, { secrets });
    client.send({ tag: 1, ...request });
    backend.settle();
    const label = JSON.stringify({ ...request, value: undefined });
    assertEquals(client.readAll(), [answer], label);
  }
});

Deno.test("each verb's answer has its fields and no others", () => {
  const empty = new Uint8Array();
  const value = new TextEncoder().encode("v");
  const id = new TextEncoder().encode("LKVNVWZVOEM5N4WO");
  const a = "/d/a";
  const rows: [RawRequest, RawResponse][] = [
    [{ verb: "GET", path: a }, { rev: 1, value }],
    [{ verb: "GET", path: "/d/empty" }, { rev: 2, value: empty }],
    [{ verb: "GET", path: "/none" }, { rev: 0, value: empty }],
    [{ verb: "GET", path: "" }, { rev: 0, value: empty }],
    [{ verb: "GET", path: a, rev: 1 }, { rev: 1, value }],
    [{ verb: "GET", path: "/d/empty", rev: 1 }, { rev: 0, value: empty }],
    [{ verb: "GET", path: a, rev: -5 }, { rev: 1, value }],
    [{ verb: "SET", path: a, rev: 1 }, { rev: 3 }],
    [{ verb: "SET", path: a, rev: 0 }, { err_code: "REV_MISMATCH" }],
    [{ verb: "DEL", path: a, rev: 1 }, {}],
    [{ verb: "DEL", path: "/none", rev: 0 }, {}],
    [{ verb: "REV" }, { rev: 2 }],
    [{ verb: "NOP" }, {}],
    [{ verb: "WAIT", path: "/*/a", rev: 1 }, {
      flags: 4,
      rev: 1,
      path: a,
      value,
    }],
    [{ verb: "WALK", path: "/**", offset: 1 }, {
      flags: 4,
      rev: 2,
      path: "/d/empty",
      value: empty,
    }],
    [{ verb: "WALK", path: "/**", offset: 2 }, { err_code: "RANGE" }],
    [{ verb: "WALK", path: "/none", offset: 0 }, { err_code: "RANGE" }],
    [{ verb: "GETDIR", path: "/", offset: 0 }, { path: "d" }],
    [{ verb: "GETDIR", path: "/d", offset: 1 }, { path: "empty" }],
    [{ verb: "GETDIR", path: "/d", offset: 2 }, { err_code: "RANGE" }],
    [{ verb: "GETDIR", path: "/x", offset: 0 }, { err_code: "NOENT" }],
    [{ verb: "STAT", path: a }, { rev: 1, len: 1 }],
    [{ verb: "STAT", path: "/d" }, { rev: -2, len: 2 }],
    [{ verb: "STAT", path: "/d", rev: 1 }, { rev: -2, len: 1 }],
    [{ verb: "STAT", path: "/none" }, { rev: 0, len: 0 }],
    [{ verb: "STAT" }, { rev: 0, len: 0 }],
    [{ verb: "SELF" }, { value: id }],
    [{ verb: "ACCESS" }, {}],
  ];
  for (const [request, answer] of rows) {
    const backend = new FakeBackend();
    backend.write(a, value);
    backend.write("/d/empty");
    const client = new FakeClient(backend);
    for (const tag of [{}, { tag: 0 }, { tag: -1 }]) {
      client.send({ ...request, ...tag });
      const label = JSON.stringify(request);
      if (backend.held > 0) backend.settle();
      assertEquals(client.readAll(), [{ ...tag, ...answer }], label);
      if (["SET", "DEL", "NOP"].includes(String(request.verb))) break;
    }
  }
});

Deno.test("STATUS answers the node's status as JSON", () => {
  const client = new FakeClient(new FakeBackend());
  const [answer] = client.ask({ tag: 3, verb: "STATUS" });
  assertEquals(answer?.tag, 3);
  const text = new TextDecoder().decode(answer?.value);
  assertEquals(JSON.parse(text), STATUS);
});

Deno.test("RECOVER answers done, or why not", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  assertEquals(client.ask({ tag: 1, verb: "RECOVER" }), [{ tag: 1 }]);
  backend.recovery = { code: "OTHER", detail: "This node leads" };
  const refused = { err_code: "OTHER", err_detail: "This node leads" };
  assertEquals(client.ask({ tag: 2, verb: "RECOVER" }), [
    { tag: 2, ...refused },
  ]);
});
