/**
 * The specification says what the code does: fields, verbs, codes, limits, and
 * the bytes of its example; and it speaks of every fact where this server and
 * the original may differ.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  decodeRequest,
  decodeResponse,
  emptyRequest,
  encodeRequest,
  ResponseEncoder,
  VERB_TABLE,
  VERBS,
  WANTS,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import { ERROR_CODES, type ErrorCode, LIMITS } from "../../store/mod.ts";
import { loadFacts } from "./conformance/fact.ts";
import { serveNode } from "./net/servers.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import { frame, RawClient, type RawRequest } from "./raw_client.ts";
import { splitFields } from "./raw_client.ts";

const README = Deno.readTextFileSync(
  new URL("../../protocol/README.md", import.meta.url),
);

/** What stands below a heading, up to the next one. */
function section(heading: string): string {
  const text = README.split(`\n${heading}\n`)[1]?.split(/\n##? /)[0];
  if (text !== undefined) return text;
  throw new Error(`README.md has no heading "${heading}"`);
}

/** The rows of all tables of a text, cell by cell, without backquotes. */
function rows(text: string): string[][] {
  return text.split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| -"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

function plain(cell: string): string {
  return cell.replaceAll("`", "");
}

/** The fields of a message in the protobuf block: name and number. */
function fieldsOf(message: string): [name: string, number: number][] {
  const block = README.split(`message ${message} {`)[1]?.split("}")[0] ?? "";
  const found = [...block.matchAll(/optional \w+ (\w+) = (\d+);/g)];
  return found.map(([, name = "", number]) => [name, Number(number)]);
}

Deno.test("protocol/README.md has the fields of a request", () => {
  const sample = {
    tag: 1,
    path: "/a",
    value: new Uint8Array(1),
    offset: 1,
    rev: 1,
    read: 1,
    minRev: 1,
    lineage: "x",
  };
  const names = Object.keys(emptyRequest());
  const numbers = names.map((name) => {
    const writer = new WireWriter();
    const value = sample[name as keyof typeof sample];
    encodeRequest(writer, { ...emptyRequest(), verb: 1, [name]: value ?? 1 });
    const fields = splitFields(writer.written().subarray(4))
      .map(({ number }) => number)
      .filter((number) => name === "verb" || number !== 2);
    return [name === "minRev" ? "min_rev" : name, fields[0]];
  });
  assertEquals(fieldsOf("Request"), numbers as [string, number][]);
});

Deno.test("protocol/README.md has the fields of a response", () => {
  const read = fieldsOf("Response").map(([name, number]) => {
    const bytes = concatBytes([
      encodeNumber(number, 1),
      encodeBytes(number, "x"),
    ]);
    const reader = new WireReader();
    reader.reset(bytes, { start: 0, end: bytes.length });
    const found = Object.entries(decodeResponse(reader))
      .filter(([, value]) => value !== undefined).map(([key]) => key);
    return [name, ...found];
  });
  const names = ["tag", "flags", "rev", "path", "value", "len"];
  assertEquals(read, [
    ...names.map((name) => [name, name]),
    ["prev_rev", "prevRev"],
    ["prev_value", "prevValue"],
    ...["time", "origin", "session", "at"].map((name) => [name, name]),
    ["err_code", "errCode"],
    ["err_detail", "errDetail"],
  ]);
});

Deno.test("protocol/README.md has the fields of a list's entry", () => {
  assert(/repeated Entry entries = 21;/.test(README));
  const entry = concatBytes(
    fieldsOf("Entry").map(([name, number]) =>
      ["path", "value"].includes(name)
        ? encodeBytes(number, name)
        : encodeNumber(number, name.length)
    ),
  );
  const bytes = encodeBytes(21, entry);
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  const value = new TextEncoder().encode("value");
  const wanted = { path: "path", rev: 3, value, len: 3 };
  assertEquals(decodeResponse(reader).entries, [wanted]);
});

Deno.test("protocol/README.md has the bits of want", () => {
  const shown = [...README.matchAll(/^- (\d+), `(\w+)`:/gm)]
    .map(([, bit, name = ""]) => [name, Number(bit)]);
  assertEquals(Object.fromEntries(shown), { ...WANTS });
});

Deno.test("protocol/README.md has the verbs as the code does", () => {
  const shown = rows(section("## Verbs")).slice(1)
    .map(([verb, number, right, needs = ""]) => [
      verb,
      Number(number),
      right || "none",
      plain(needs).replace(" (a glob)", ""),
    ]);
  const known = Object.entries(VERBS).map(([verb, number]) => {
    const entry = VERB_TABLE.get(number);
    return [verb, number, entry?.right, entry?.needs.join(", ")];
  });
  assertEquals(shown, known);
  for (const verb of Object.keys(VERBS)) {
    assert(README.includes(`\n### ${verb}\n`), `no section on ${verb}`);
  }
});

Deno.test("protocol/README.md has every error code as it is sent", () => {
  const [numbered = "", others = ""] = section("## Errors")
    .split("Codes that the original did not have");
  const shown = new Map<string, number>();
  for (const [code = "", number] of rows(numbered).slice(1)) {
    shown.set(code, Number(number));
  }
  for (const [code = ""] of rows(others).slice(1)) shown.set(code, 127);
  const clientSide = ["CLOSED", "TIMEOUT"];
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const writer = new WireWriter();
    new ResponseEncoder(writer).error(undefined, code, "Why not");
    const bytes = writer.written();
    const reader = new WireReader();
    reader.reset(bytes, { start: 4, end: bytes.length });
    const number = decodeResponse(reader).errCode;
    const wanted = clientSide.includes(code) ? undefined : number;
    assertEquals(shown.get(code), wanted, code);
    assert(new RegExp(`\\b${code}\\b`).test(README), `no word of ${code}`);
    shown.delete(code);
  }
  assertEquals(shown.size, 0, "the README knows codes that do not exist");
});

Deno.test("protocol/README.md has every limit as the code does", () => {
  const shown = rows(section("## Limits")).slice(1)
    .map(([name = "", value]) => [plain(name), Number(value)]);
  assertEquals(Object.fromEntries(shown), { ...LIMITS });
});

/** As far as it says whether the answer has `at`. */
function readIn(bytes: Uint8Array): RawRequest {
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  const request = emptyRequest();
  decodeRequest(reader, request);
  const { tag, verb, minRev } = request;
  return {
    tag: tag!,
    verb,
    ...minRev === undefined ? {} : { min_rev: minRev },
  };
}

Deno.test("protocol/README.md's example is what a node sends", async () => {
  await using node = await serveNode();
  using client = await RawClient.connect(node.addr);
  client.extended = true;
  const lines = section("## A worked example").split("\n")
    .filter((line) => /^[CS] [0-9a-f]{8} /.test(line));
  assert(lines.length > 10);
  // Answers may come in another order than they stand there.
  let due: string[] = [];
  const collect = async (): Promise<void> => {
    const came: string[] = [];
    for (const _ of due) {
      const answer = await client.receive();
      came.push(frame(answer!.bytes).toHex());
    }
    assertEquals(came.toSorted(), due.toSorted());
    due = [];
  };
  for (const line of lines) {
    const [who, header = "", body = ""] = line.split(" ");
    if (who === "S") due.push(header + body);
    else {
      await collect();
      client.asked.sent(readIn(Uint8Array.fromHex(body)));
      await client.sendBytes(Uint8Array.fromHex(header + body));
    }
  }
  await collect();
});

/** The names, or patterns of names, in the first column of tables of facts. */
function patternsBelow(heading: string): string[] {
  const text = README.split(`\n${heading}\n`)[1]?.split("\n### ")[0] ?? "";
  return rows(text).flatMap(([cell = ""]) =>
    [...cell.matchAll(/`([\w\[\] *]+)`/g)].map(([, name = ""]) => name)
  ).filter((name) => /^[a-z]+[_*[]/.test(name));
}

function matches(pattern: string, name: string): boolean {
  const escaped = pattern.split("*").map((part) =>
    part.replace(/[[\]]/g, "\\$&")
  );
  return new RegExp(`^${escaped.join(".*")}$`).test(name);
}

Deno.test("protocol/README.md decides on every fact that is not relied on", () => {
  const changed = patternsBelow("### Different on purpose");
  const kept = patternsBelow("### Quirks that are kept");
  const facts = loadFacts().filter((fact) => fact.class !== "rely");
  for (const { name, original } of facts) {
    const patterns = original === undefined ? kept : changed;
    const found = patterns.filter((pattern) => matches(pattern, name));
    assertEquals(found.length, 1, `${name} is not told of, once`);
    const wrong = (original === undefined ? changed : kept)
      .filter((pattern) => matches(pattern, name));
    assertEquals(wrong, [], `${name} is in the wrong table`);
  }
  for (const pattern of [...changed, ...kept]) {
    const known = facts.some(({ name }) => matches(pattern, name));
    assert(known, `no fact is named ${pattern}`);
  }
});
