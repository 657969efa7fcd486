/**
 * Which history a client means: told by the request, held to by the server.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { FakeBackend, FakeClient, STATUS } from "./fake_backend.ts";
import type { RawRequest } from "./raw_client.ts";

const HERE = STATUS.lineage;
const OTHER = "AAAAAAAAAAAAAAAA";

const VERBS: readonly RawRequest[] = [
  { verb: "GET", path: "/a" },
  { verb: "GET", path: "/a", read: 1 },
  { verb: "GET", path: "/a", min_rev: 1 },
  { verb: "SET", path: "/a", rev: -1 },
  { verb: "DEL", path: "/a", rev: -1 },
  { verb: "REV" },
  { verb: "WAIT", path: "/a", rev: 1 },
  { verb: "NOP" },
  { verb: "WALK", path: "/*", offset: 0 },
  { verb: "GETDIR", path: "/", offset: 0 },
  { verb: "STAT", path: "/a" },
  { verb: "SELF" },
  { verb: "STATUS" },
  { verb: "RECOVER" },
  { verb: "BACKUP", offset: 0 },
  { verb: "SESSION" },
  { verb: "WATCH", tag: 1, path: "/a" },
];

function begin(secrets = {}): { backend: FakeBackend; client: FakeClient } {
  const backend = new FakeBackend();
  backend.confirmsAtOnce = true;
  backend.write("/a", "1");
  const client = new FakeClient(backend, { secrets, extended: true });
  return { backend, client };
}

Deno.test("every verb is refused that means another history", () => {
  for (const request of VERBS) {
    const label = JSON.stringify(request);
    const { backend, client } = begin();
    const [answer, ...others] = client.ask({ ...request, lineage: OTHER });
    assertEquals([answer?.err_code, others], ["OTHER", []], label);
    const detail = answer?.err_detail ?? "";
    assert(detail.startsWith("LINEAGE: The history here is of"), label);
    assert(detail.includes(HERE) && detail.includes(OTHER), detail);
    assertEquals([backend.proposed, backend.recovered], [[], 0], label);
    // The connection serves on, and what it is asked rightly is answered.
    client.send({ ...request, lineage: HERE });
    backend.settle();
    assertEquals(client.readAll().map((a) => a.err_code), [undefined], label);
  }
});

Deno.test("no lineage is every lineage, and a secret is for none", () => {
  const { client } = begin({ rw: "secret" });
  const access = { verb: "ACCESS", value: "secret", lineage: OTHER };
  assertEquals(client.ask({ verb: "REV" }, access), [{ rev: 1 }, {}]);
});

Deno.test("HELLO is answered to all, and tells the history to who may read", () => {
  const { client } = begin({ rw: "rw", ro: "ro" });
  const hello = () => {
    const [answer] = client.ask({ verb: "HELLO", lineage: OTHER });
    const text = new TextDecoder().decode(answer?.value);
    return JSON.parse(text).lineage;
  };
  assertEquals(hello(), "");
  client.ask({ verb: "ACCESS", value: "ro" });
  assertEquals(hello(), HERE);
});

Deno.test("CANCEL and CREDIT of another history touch nothing", () => {
  const { backend, client } = begin();
  client.ask({ tag: 1, verb: "WATCH", path: "/a", lineage: HERE });
  for (const verb of ["CANCEL", "CREDIT"]) {
    const asked = { verb, target: 1, window: 1, lineage: OTHER };
    const detail = client.ask(asked)[0]?.err_detail ?? "";
    assert(detail.startsWith("LINEAGE: "), verb);
  }
  assertEquals(backend.store.waits.count(), 1);
});

Deno.test("rights and missing fields come first, and nothing leaks", () => {
  const { client } = begin({ rw: "rw", ro: "ro" });
  const get = { verb: "GET", path: "/a", lineage: OTHER };
  assertEquals(client.ask(get)[0]?.err_detail, "permission denied");
  const rev = client.ask({ verb: "REV", lineage: OTHER })[0]?.err_detail ?? "";
  assert(rev.startsWith("LINEAGE: The history here is another"), rev);
  assert(!rev.includes(HERE), rev);
  client.ask({ verb: "ACCESS", value: "ro" });
  assertEquals(
    client.ask({ verb: "GET", lineage: OTHER })[0]?.err_code,
    "MISSING_ARG",
  );
  assert(client.ask(get)[0]?.err_detail?.includes(HERE));
});

Deno.test("a node that has no history yet refuses none", () => {
  const { backend, client } = begin();
  backend.lineage = "";
  backend.isOpen = false;
  const status = client.ask({ verb: "STATUS", lineage: OTHER });
  assertEquals(status[0]?.err_code, undefined);
  const [get] = client.ask({ verb: "GET", path: "/a", lineage: OTHER });
  assert(get?.err_detail?.startsWith("UNAVAILABLE"));
});

Deno.test("a read that waits is refused when the history is another by then", () => {
  const rows: [RawRequest, (backend: FakeBackend) => void][] = [
    [{ path: "/a", read: 1 }, (backend) => backend.confirm()],
    [{ path: "/a", min_rev: 2 }, (backend) => backend.write("/b")],
    [{ path: "/a", rev: 2 }, (backend) => backend.write("/b")],
  ];
  for (const [fields, happen] of rows) {
    const { backend, client } = begin();
    backend.confirmsAtOnce = false;
    client.send({ tag: 1, verb: "GET", ...fields, lineage: HERE });
    assertEquals(client.readAll(), []);
    backend.lineage = OTHER;
    happen(backend);
    const [answer] = client.readAll();
    const label = JSON.stringify(fields);
    assert(answer?.err_detail?.startsWith("LINEAGE: "), label);
  }
});

Deno.test("a wait or write of the history before ends the connection", () => {
  const rows: RawRequest[] = [
    { verb: "WAIT", path: "/b", rev: 2 },
    { verb: "SET", path: "/b", rev: -1 },
    { verb: "WATCH", path: "/b" },
  ];
  for (const request of rows) {
    const { backend, client } = begin();
    client.send({ tag: 1, ...request, lineage: HERE });
    client.readAll();
    backend.lineage = OTHER;
    // Other requests, and the next history's, do not make it forget.
    assertEquals(client.ask({ verb: "REV" }), [{ rev: 1 }]);
    backend.settle();
    backend.write("/b");
    assertEquals(client.readAll(), [], `${request.verb} is not answered`);
    assert(client.connection.failure?.includes("was replaced"));
  }
  const { backend, client } = begin();
  client.send({ ...rows[0]!, lineage: HERE });
  backend.lineage = OTHER;
  client.ask({ verb: "REV", lineage: OTHER });
  assert(client.connection.failure?.includes("was replaced"));
});

Deno.test("who names no history is answered across a change of it", () => {
  const { backend, client } = begin();
  client.send({ tag: 1, verb: "WAIT", path: "/b", rev: 2 });
  backend.lineage = OTHER;
  backend.write("/b", "x");
  assertEquals(client.readAll().map(({ tag, rev }) => [tag, rev]), [[1, 2]]);
});
