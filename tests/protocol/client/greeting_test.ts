/**
 * What a server says of itself, however little sense it makes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type Greeting,
  readGreeting,
} from "../../../protocol/client/greeting.ts";
import { type ClientResponse, encodeText } from "../../../protocol/mod.ts";

Deno.test("readGreeting() reads what is there, and nothing else", () => {
  const cases: readonly [string | undefined, Greeting][] = [
    [undefined, {}],
    ["", {}],
    ["{", {}],
    ["null", {}],
    ["3", {}],
    ["[1]", {}],
    ['{"id":3,"lineage":{},"rev":"x","extensions":"watch"}', {}],
    [
      '{"id":"A","lineage":"","rev":7,"extensions":["watch",3],"more":1}',
      { id: "A", lineage: "", rev: 7, extensions: ["watch"] },
    ],
  ];
  for (const [text, greeting] of cases) {
    const value = text === undefined ? undefined : encodeText(text);
    const response = { value } as ClientResponse;
    assertEquals(readGreeting(response), greeting, text);
  }
  const value = Uint8Array.of(0xff, 0xfe);
  assertEquals(readGreeting({ value } as ClientResponse), {});
});
