/**
 * Writes of clients' sessions: what they need, and how they are answered.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { FakeBackend, FakeClient, STATUS } from "./fake_backend.ts";
import type { RawRequest } from "./raw_client.ts";

Deno.test("a session's command needs its number and its history", () => {
  const lineage = STATUS.lineage;
  const verbs = ["SET", "DEL", "NOP", "SESSION"];
  const rows: [RawRequest, string | undefined][] = [
    [{ session: 1, number: 1, lineage }, undefined],
    [{ session: 1, number: 1 }, "MISSING_ARG"],
    [{ session: 1, lineage }, "MISSING_ARG"],
    [{ session: 1, acknowledged: 1, lineage }, "MISSING_ARG"],
    [{ session: -1, number: 1 }, "MISSING_ARG"],
  ];
  for (const verb of verbs) {
    for (const [fields, code] of rows) {
      const backend = new FakeBackend();
      backend.sessions.open("");
      const client = new FakeClient(backend);
      client.send({ tag: 1, verb, path: "/a", rev: -1, ...fields });
      backend.settle();
      const label = JSON.stringify({ verb, fields });
      assertEquals(client.readAll()[0]?.err_code, code, label);
    }
  }
  // Other verbs pass over these fields.
  const client = new FakeClient(new FakeBackend());
  assertEquals(client.ask({ verb: "REV", session: 1 }), [{ rev: 0 }]);
  const lost = { verb: "SESSION", number: 1, lineage };
  assertEquals(client.ask(lost), [{ err_code: "MISSING_ARG" }]);
});

Deno.test("a session's commands take effect once, and are answered alike", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend, { extended: true });
  const ask = (request: RawRequest) => {
    const lineage = STATUS.lineage;
    client.send({ tag: 1, path: "/a", session: 1, lineage, ...request });
    backend.settle();
    return client.readAll()[0];
  };
  client.send({ tag: 7, verb: "SESSION", value: "gauge 3" });
  backend.settle();
  assertEquals(client.readAll(), [{ tag: 7, session: 1 }]);
  const set = { verb: "SET", value: "v", rev: 0, number: 1 };
  for (const _ of [1, 2]) assertEquals(ask(set), { tag: 1, rev: 1 });
  const del = { verb: "DEL", rev: 1, number: 2 };
  for (const _ of [1, 2]) assertEquals(ask(del), { tag: 1, rev: 2 });
  const nop = { verb: "NOP", number: 3 };
  for (const _ of [1, 2]) assertEquals(ask(nop), { tag: 1, rev: 3 });
  const old = { verb: "DEL", path: "/b", rev: -2, number: 4 };
  for (const _ of [1, 2]) assertEquals(ask(old)?.err_code, "REV_MISMATCH");
  assertEquals(ask({ verb: "SESSION", number: 5 }), { tag: 1 });
  assertEquals(ask({ verb: "SESSION", number: 5 }), { tag: 1 });
  // A number that was free is not any more, and what was done is told.
  assertEquals(ask({ ...nop, number: 5 })?.err_code, "OTHER");
  assertEquals(ask({ verb: "SESSION", number: 1 }), { tag: 1, rev: 1 });
  assertEquals(ask({ verb: "SESSION", number: 4 })?.err_code, "REV_MISMATCH");
  const details = [
    ask({ ...set, value: "w" }),
    ask({ ...set, number: 7 }),
    ask({ ...set, session: 2 }),
    ask({ ...nop, number: 6, acknowledged: 6 }),
  ].map((answer) => answer?.err_detail?.split(":")[0]);
  assertEquals(details, ["NUMBER", "GAP", "SESSION", "NUMBER"]);
  assertEquals(backend.store.rev, 3);
  // Its events are of the name that it gave itself.
  const watch = { verb: "WATCH", tag: 9, path: "/**", rev: 1, want: 2 };
  client.send(watch);
  client.turn();
  const origins = client.readAll().slice(1).map(({ origin }) => origin);
  assertEquals(origins, ["gauge 3", "gauge 3", "gauge 3"]);
});

Deno.test("numbers that no session has are refused at once", () => {
  const backend = new FakeBackend();
  const client = new FakeClient(backend);
  const lineage = STATUS.lineage;
  const rows: [RawRequest, string][] = [
    [{ session: 0, number: 1 }, "SESSION"],
    [{ session: -(2 ** 40), number: 1 }, "SESSION"],
    [{ session: 1, number: 0 }, "NUMBER"],
    [{ session: 1, number: -1 }, "NUMBER"],
    [{ session: 1, number: 1, acknowledged: -1 }, "NUMBER"],
  ];
  for (const verb of ["SET", "DEL", "NOP", "SESSION"]) {
    for (const [fields, code] of rows) {
      const request = { verb, path: "/a", rev: -1, lineage, ...fields };
      const [answer] = client.ask(request);
      const label = JSON.stringify(request);
      assertEquals(answer?.err_detail?.split(":")[0], code, label);
    }
  }
  assertEquals(backend.held, 0, "nothing was ordered");
});

Deno.test("a session's name is text of few bytes", () => {
  const most = LIMITS.sessionNameBytes;
  const rows: [string | Uint8Array, string | undefined][] = [
    ["", undefined],
    ["x".repeat(most), undefined],
    ["é".repeat(most / 2), undefined],
    [
      "é".repeat(most / 2) + "x",
      `LIMIT: The session's name has ${most + 1} bytes, the limit is ${most}`,
    ],
    [Uint8Array.of(0xff), "The session's name is not UTF-8"],
  ];
  for (const [value, err_detail] of rows) {
    const backend = new FakeBackend();
    const client = new FakeClient(backend, { extended: true });
    client.send({ verb: "SESSION", value });
    assertEquals(backend.held, err_detail === undefined ? 1 : 0);
    backend.settle();
    assertEquals(client.readAll()[0]?.err_detail, err_detail);
  }
});
