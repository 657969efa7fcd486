/**
 * Addresses of clusters and of nodes, as users write them.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Address,
  type ClusterUri,
  DEFAULT_PORT,
  DEFAULT_URI,
  formatAddress,
  parseAddress,
  parseUri,
  withoutSecret,
} from "../../protocol/mod.ts";
import { DoozerError } from "../../store/mod.ts";

const NOTHING: ClusterUri = {
  addresses: [],
  name: undefined,
  secret: undefined,
  tls: false,
};

function address(hostname: string, port = DEFAULT_PORT): Address {
  return { hostname, port };
}

Deno.test("parseUri() reads what a URI says", () => {
  const rows: [uri: string, says: Partial<ClusterUri>][] = [
    [DEFAULT_URI, { addresses: [address("127.0.0.1", 8046)] }],
    ["doozer:?", {}],
    ["doozer:?ca=h:1", { addresses: [address("h", 1)] }],
    ["doozer:?ca=h:1&ca=i:2&ca=[::1]:3", {
      addresses: [address("h", 1), address("i", 2), address("::1", 3)],
    }],
    ["doozer:?ca=h", { addresses: [address("h")] }],
    ["doozer:?cn=example", { name: "example" }],
    ["doozer:?cn=example&ca=h:1&sk=s", {
      addresses: [address("h", 1)],
      name: "example",
      secret: "s",
    }],
    ["doozer:?ca=%5B%3A%3A1%5D:3", { addresses: [address("::1", 3)] }],
    ["doozer:?sk=a%26b%3Dc%25", { secret: "a&b=c%" }],
    // As in a form: a plus is a space, and its own code is a plus.
    ["doozer:?sk=a+b%2Bc", { secret: "a b+c" }],
    ["doozer:?sk=%C3%BC", { secret: "ü" }],
    ["doozer:?sk=a=b", { secret: "a=b" }],
    ["doozer:?sk=", { secret: "" }],
    ["doozer:?sk=1&sk=2", { secret: "1" }],
    ["doozer:?tls=true", { tls: true }],
    ["doozer:?tls=false", {}],
    ["doozer:?&ca=h:1&&", { addresses: [address("h", 1)] }],
  ];
  for (const [uri, says] of rows) {
    assertEquals(parseUri(uri), { ...NOTHING, ...says }, uri);
  }
});

Deno.test("parseUri() says what is wrong with a URI", () => {
  const rows: [uri: string, reason: string][] = [
    ["", 'must begin with "doozer:?"'],
    ["127.0.0.1:8046", 'must begin with "doozer:?"'],
    ["doozer:", 'must begin with "doozer:?"'],
    ["doozer://h:1", 'must begin with "doozer:?"'],
    ["DOOZER:?ca=h:1", 'must begin with "doozer:?"'],
    ["http://h/?ca=h:1", 'must begin with "doozer:?"'],
    ["doozer:?h:1", 'field "h:1" is none of ca, cn, sk, tls'],
    ["doozer:?CA=h:1", 'field "CA" is none of'],
    ["doozer:?=h", 'field "" is none of'],
    ["doozer:?ca=", 'Cannot read the address ""'],
    ["doozer:?ca=h:1,i:2", 'Cannot read the address "h:1,i:2"'],
    ["doozer:?ca=h:99999", 'Cannot read the address "h:99999"'],
    // Anything but a clear yes or no would quietly mean plain TCP.
    ["doozer:?tls=1", '"tls" must be true or false, not "1"'],
    ["doozer:?tls=yes", '"tls" must be true or false, not "yes"'],
    ["doozer:?tls=TRUE", '"tls" must be true or false, not "TRUE"'],
    ["doozer:?tls=", '"tls" must be true or false, not ""'],
    ["doozer:?tls=false&tls=on", '"tls" must be true or false, not "on"'],
  ];
  for (const [uri, reason] of rows) {
    const error = assertThrows(() => parseUri(uri), DoozerError, reason);
    assertEquals(error.code, "OTHER", uri);
  }
});

Deno.test("parseUri() speaks TLS where any field asks for it", () => {
  assertEquals(parseUri("doozer:?tls=false&tls=true").tls, true);
});

Deno.test("parseUri() never shows a secret in its complaints", () => {
  const uris = [
    "doozer:sk=hush",
    "doozer:/?sk=hush",
    "http://h/?a=b&sk=hush&c=d",
    "sk=hush",
    "doozer:?sk=hush&x=1",
    "doozer:?x=1&sk=hush",
    "doozer:?SK=hush",
    "doozer:?Sk=hush&ca=h",
    "doozer:?sk=hush&tls=maybe",
  ];
  for (const uri of uris) {
    const error = assertThrows(() => parseUri(uri), DoozerError);
    assert(!error.message.includes("hush"), error.message);
  }
});

Deno.test("withoutSecret() leaves out the secrets and nothing else", () => {
  const rows: [uri: string, shown: string][] = [
    ["doozer:?ca=h:1", "doozer:?ca=h:1"],
    ["doozer:?sk=a&ca=h:1", "doozer:?sk=...&ca=h:1"],
    ["doozer:?ca=h:1&sk=a%26b", "doozer:?ca=h:1&sk=..."],
    ["doozer:?sk=a&sk=b", "doozer:?sk=...&sk=..."],
    ["doozer:?cn=disk", "doozer:?cn=disk"],
    ["doozer:?cn=task=1&ca=h", "doozer:?cn=task=1&ca=h"],
  ];
  for (const [uri, shown] of rows) assertEquals(withoutSecret(uri), shown);
});

Deno.test("parseAddress() reads hosts, names and ports", () => {
  const rows: [text: string, Address][] = [
    ["127.0.0.1:8046", address("127.0.0.1", 8046)],
    ["127.0.0.1", address("127.0.0.1")],
    ["localhost:0", address("localhost", 0)],
    ["db-1.example.com:65535", address("db-1.example.com", 65535)],
    [":80", address("127.0.0.1", 80)],
    ["[::1]:80", address("::1", 80)],
    ["[::1]", address("::1")],
    ["[::ffff:127.0.0.1]:80", address("::ffff:127.0.0.1", 80)],
    ["[FE80::1]:00080", address("FE80::1", 80)],
  ];
  for (const [text, wanted] of rows) assertEquals(parseAddress(text), wanted);
});

Deno.test("parseAddress() refuses what is no address", () => {
  const texts = [
    "",
    ":",
    "h:",
    "h:65536",
    "h:100000",
    "h:-1",
    "h:1.5",
    "h:0x10",
    "h:1:2",
    "::1",
    "[::1",
    "::1]:80",
    "[]:80",
    "[h]:80",
    "h 1:80",
    " h:80",
    "h:80 ",
    "h:80\n",
    "h/a:80",
    "http://h:80",
    "user@[::1]:80",
  ];
  for (const text of texts) {
    const error = assertThrows(() => parseAddress(text), DoozerError);
    assertEquals(error.code, "OTHER");
    const begin = `Cannot read the address "${text}": it must be HOST:PORT`;
    assert(error.detail.startsWith(begin), error.detail);
  }
});

Deno.test("formatAddress() writes what parseAddress() reads", () => {
  const hostnames = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  const ports = fc.nat(65535);
  fc.assert(fc.property(hostnames, ports, (hostname, port) => {
    const written = formatAddress({ hostname, port });
    assertEquals(parseAddress(written), { hostname, port });
    assertEquals(parseUri(`doozer:?ca=${written}`).addresses, [
      { hostname, port },
    ]);
  }));
});
