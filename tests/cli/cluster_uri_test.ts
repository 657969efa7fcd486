/**
 * The cluster to ask: URIs, addresses, and several of them.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { clusterUri } from "../../cli/cluster_uri.ts";
import { parseUri } from "../../protocol/mod.ts";
import { DoozerError } from "../../store/mod.ts";

const GOOD: readonly (readonly [string, string])[] = [
  ["h", "doozer:?ca=h:8046"],
  ["h:1", "doozer:?ca=h:1"],
  [":1", "doozer:?ca=127.0.0.1:1"],
  ["a:1,b:2", "doozer:?ca=a:1&ca=b:2"],
  ["a:1 b:2", "doozer:?ca=a:1&ca=b:2"],
  ["a:1,b a:1", "doozer:?ca=a:1&ca=b:8046"],
  // A host of that name is no URI.
  ["doozer:8046,b:1", "doozer:?ca=doozer:8046&ca=b:1"],
  ["doozer", "doozer:?ca=doozer:8046"],
  // A URI alone stays as it is.
  ["doozer:?ca=a:1&sk=x%20y", "doozer:?ca=a:1&sk=x%20y"],
  ["doozer:?cn=web", "doozer:?cn=web"],
  // Together they have all the addresses, and the secret.
  ["doozer:?ca=a:1&sk=x%26y b:2", "doozer:?ca=a:1&sk=x%26y&ca=b:2"],
  ["b:2 doozer:?ca=a:1&tls=true", "doozer:?ca=b:2&ca=a:1&tls=true"],
];

Deno.test("clusterUri() reads addresses and URIs", async (t) => {
  for (const [words, uri] of GOOD) {
    await t.step(words, () => assertEquals(clusterUri(words.split(" ")), uri));
  }
});

Deno.test("clusterUri() reads IPv6 addresses", () => {
  const { addresses } = parseUri(clusterUri(["[::1]:5,[fe80::1]", "a:1"]));
  assertEquals(addresses, [
    { hostname: "::1", port: 5 },
    { hostname: "fe80::1", port: 8046 },
    { hostname: "a", port: 1 },
  ]);
});

Deno.test("clusterUri() says what is wrong", async (t) => {
  const bad: readonly (readonly [string, string])[] = [
    ["http://x", 'Cannot read the URI "http://x": it must begin with'],
    ["ca=a:1", 'Cannot read the URI "ca=a:1": it must begin with'],
    ["doozer:ca", 'Cannot read the URI "doozer:ca": it must begin with'],
    ["8046", 'did you mean ":8046"?'],
    ["a:1,,b:1", 'Cannot read the address ""'],
    ["a:99999", 'Cannot read the address "a:99999"'],
    ["doozer:?cn=x doozer:?cn=y", 'gives another "cn" than one before it'],
    ["doozer:?ca=a&sk=x doozer:?ca=b&sk=hush", 'gives another "sk" than'],
  ];
  for (const [words, message] of bad) {
    await t.step(words, () => {
      const { code, detail } = assertThrows(
        () => clusterUri(words.split(" ")),
        DoozerError,
      );
      assertEquals([code, detail.includes(message)], ["OTHER", true], detail);
      assertEquals(detail.includes("hush"), false, detail);
    });
  }
});
