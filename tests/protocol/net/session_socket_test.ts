/**
 * Sessions over sockets, with a real node: numbers that go backwards or jump,
 * numbers that do nothing, and sessions that have ended.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../../store/mod.ts";
import { RawClient, type RawRequest, type RawResponse } from "../raw_client.ts";
import { serveNode } from "./servers.ts";

/** A client, and what its requests of sessions must name besides. */
interface Place extends Disposable {
  readonly client: RawClient;
  /** The node's lineage. */
  readonly lineage: string;
}

async function placeAt(addr: string): Promise<Place> {
  const client = await RawClient.connect(addr);
  client.extended = true;
  const { value } = await client.ask({ verb: "HELLO" });
  const { lineage } = JSON.parse(new TextDecoder().decode(value));
  return { client, lineage, [Symbol.dispose]: () => client.close() };
}

async function openSession({ client }: Place, value = ""): Promise<number> {
  const { session } = await client.ask({ verb: "SESSION", value });
  return session!;
}

function ask(
  { client, lineage }: Place,
  request: RawRequest,
): Promise<RawResponse> {
  return client.ask({ verb: "NOP", lineage, ...request });
}

/** The code of a refusal that travels as OTHER, or what else was answered. */
function codeOf({ err_code, err_detail = "", rev }: RawResponse): unknown {
  if (err_code === undefined) return rev;
  return err_code === "OTHER" ? err_detail.split(": ")[0] : err_code;
}

Deno.test("numbers that go backwards, jump or are out of range change nothing", async () => {
  await using node = await serveNode();
  using place = await placeAt(node.addr);
  const session = await openSession(place);
  const { rev: begin = 0 } = await place.client.ask({ verb: "REV" });
  const rows: [RawRequest, unknown][] = [
    [{ number: 2 }, "GAP"],
    [{ number: 2 ** 40 }, "GAP"],
    [{ number: 2 ** 53 }, "GAP"],
    [{ number: 0 }, "NUMBER"],
    [{ number: -1 }, "NUMBER"],
    [{ number: 1, acknowledged: -1 }, "NUMBER"],
    [{ number: 1, acknowledged: 1 }, "NUMBER"],
    [{ number: 1, session: 0 }, "SESSION"],
    [{ number: 1, session: -1 }, "SESSION"],
    [{ number: 1, session: session + 1 }, "SESSION"],
    [{ number: 1, session: 2 ** 53 }, "SESSION"],
    [{ number: 1, lineage: "ANOTHER" }, "LINEAGE"],
    [{ number: 1 }, begin + 1],
    [{ number: 3 }, "GAP"],
    [{ number: 2 }, begin + 2],
    [{ number: 1 }, begin + 1],
    [{ number: 1, verb: "SET", path: "/a", rev: -1 }, "NUMBER"],
    [{ number: 3, acknowledged: 2 }, begin + 3],
    [{ number: 2 }, "NUMBER"],
    [{ number: 2, acknowledged: 1 }, "NUMBER"],
    [{ number: 1 }, "NUMBER"],
    [{ number: 3 }, begin + 3],
  ];
  for (const [at, [request, wanted]] of rows.entries()) {
    const answer = await ask(place, { tag: at, session, ...request });
    const label = JSON.stringify({ request, answer });
    assertEquals([answer.tag, codeOf(answer)], [at, wanted], label);
  }
  const { rev } = await place.client.ask({ verb: "REV" });
  assertEquals(rev, begin + 3);
});

Deno.test("a window of outcomes is kept, and what is beyond it is refused", async () => {
  await using node = await serveNode();
  using place = await placeAt(node.addr);
  const session = await openSession(place);
  const { client, lineage } = place;
  const window = LIMITS.sessionWindow;
  const numbers = Array.from({ length: window + 1 }, (_, at) => at + 1);
  await client.send(
    ...numbers.map((number) => (
      { verb: "NOP", tag: number, session, number, lineage }
    )),
  );
  const answers = new Map<number | undefined, RawResponse>();
  for (const _ of numbers) {
    const { response } = (await client.receive())!;
    answers.set(response.tag, response);
  }
  const beyond = answers.get(window + 1)!;
  assertEquals(codeOf(beyond), "NUMBER");
  for (const number of [window + 1, window]) {
    assert(beyond.err_detail?.includes(`${number}`), beyond.err_detail);
  }
  const first = answers.get(1)!.rev!;
  assertEquals(answers.get(window)!.rev, first + window - 1);
  const acknowledged = { number: window + 1, acknowledged: 1, session };
  assertEquals(codeOf(await ask(place, acknowledged)), first + window);
});

Deno.test("a number that is ordered empty is answered with the tag alone", async () => {
  await using node = await serveNode();
  using place = await placeAt(node.addr);
  using other = await placeAt(node.addr);
  const session = await openSession(place);
  const empty = { tag: 9, verb: "SESSION", session };
  await other.client.ask({ verb: "SET", path: "/other", rev: -1 });
  assertEquals(await ask(place, { ...empty, number: 1 }), { tag: 9 });
  await other.client.ask({ verb: "SET", path: "/other", rev: -1 });
  assertEquals(await ask(other, { ...empty, number: 1 }), { tag: 9 });
  // The command that had the number comes too late, by whichever line.
  const set = { verb: "SET", path: "/a", rev: -1, session, number: 1 };
  assertEquals(codeOf(await ask(other, set)), "NUMBER");
  const { rev } = await ask(place, { ...set, number: 2 });
  // And a number that was used tells what came of it.
  assertEquals(await ask(place, { ...empty, number: 2 }), { tag: 9, rev });
  const failing = { ...set, number: 3, rev: 0 };
  assertEquals(codeOf(await ask(place, failing)), "REV_MISMATCH");
  const repeated = { tag: 9, err_code: "REV_MISMATCH" };
  assertEquals(await ask(place, { ...empty, number: 3 }), repeated);
  assertEquals(codeOf(await ask(place, { ...empty, number: 5 })), "GAP");
});

Deno.test("a session that others have driven out is not open, and does nothing", async () => {
  await using node = await serveNode();
  using place = await placeAt(node.addr);
  const [old, used] = [await openSession(place), await openSession(place)];
  const set = { verb: "SET", path: "/a", rev: -1, number: 1 };
  assertEquals(
    typeof (await ask(place, { ...set, session: old })).rev,
    "number",
  );
  using crowd = await placeAt(node.addr);
  const most = LIMITS.clientSessions;
  const open = async (count: number): Promise<number> => {
    const requests = Array.from({ length: count }, (_, tag) => (
      { tag, verb: "SESSION" }
    ));
    const sent = crowd.client.send(...requests);
    let last = 0;
    for (const _ of requests) {
      last = (await crowd.client.receive())!.response.session!;
    }
    await sent;
    return last;
  };
  assertEquals(await open(most - 2), most);
  // All there is room for; this one is used, so the other is the next to go.
  const { rev } = await ask(place, { ...set, session: used });
  assertEquals(await open(1), most + 1);
  for (
    const request of [{ ...set, number: 2 }, set, {
      verb: "SESSION",
      number: 1,
    }]
  ) {
    const refused = await ask(place, { ...request, session: old });
    assertEquals(codeOf(refused), "SESSION");
  }
  const { rev: last } = await place.client.ask({ verb: "GET", path: "/a" });
  assertEquals(last, rev, "nothing was written");
  const next = await ask(place, { ...set, session: used, number: 2 });
  assertEquals(next.rev, rev! + 1);
});
