/**
 * What `doozer serve` accepts, and what it refuses to be.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { isLoopback } from "../../cli/address.ts";
import { readCommandLine } from "../../cli/command_line.ts";
import {
  readServeSettings,
  type ServeSettings,
} from "../../cli/serve_settings.ts";
import { COMMANDS } from "../../cli/table.ts";
import { UsageError } from "../../cli/usage_error.ts";
import { LIMITS } from "../../store/mod.ts";
import { FakeIo } from "./fake_io.ts";

function read(
  args: string,
  env: Record<string, string> = {},
): ServeSettings {
  const words = args.split(" ").filter((word) => word !== "");
  const { flags } = readCommandLine(["serve", ...words], COMMANDS);
  return readServeSettings(flags, new FakeIo({ env }));
}

Deno.test("serve without flags: this machine, no secrets, quiet", () => {
  assertEquals(read(""), {
    listen: { hostname: "127.0.0.1", port: 8046 },
    advertise: undefined,
    clusterName: undefined,
    beginning: { how: "found" },
    dataDirectory: undefined,
    historyRevs: LIMITS.historyRevs,
    pulseSeconds: 0,
    seatTimeoutSeconds: 60,
    requestTimeoutSeconds: 5,
    peerSecret: undefined,
    secrets: {},
    tls: undefined,
    exposed: false,
    logLevel: "warning",
    logFormat: "text",
  });
});

Deno.test("serve reads its flags and the environment", () => {
  const env = {
    DOOZER_RWSECRET: "rw",
    DOOZER_ROSECRET: "ro",
    DOOZER_PEERSECRET: "peer",
  };
  const settings = read(
    "-l :9000 -c prod --data /var/d -hist 1 -pulse 0.5 -timeout 30 -fill 3 -w false " +
      "--request-timeout 0.5 " +
      "-log-level warn -log-format json --advertise 10.0.0.1:8046",
    env,
  );
  assertEquals(settings, {
    listen: { hostname: "127.0.0.1", port: 9000 },
    advertise: "10.0.0.1:8046",
    clusterName: "prod",
    beginning: { how: "found" },
    dataDirectory: "/var/d",
    historyRevs: 1,
    pulseSeconds: 0.5,
    seatTimeoutSeconds: 30,
    requestTimeoutSeconds: 0.5,
    peerSecret: "peer",
    secrets: { rw: "rw", ro: "ro" },
    tls: undefined,
    exposed: false,
    logLevel: "warning",
    logFormat: "json",
  });
});

Deno.test("serve reads how to begin", async (t) => {
  const boot = { DOOZER_BOOT_URI: "doozer:?ca=a" };
  const rows: readonly [string, Record<string, string>, unknown][] = [
    ["-a :1", boot, { how: "attach", addresses: ["127.0.0.1:1"] }],
    ["-a a,b:1,a:8046", {}, { how: "attach", addresses: ["a:8046", "b:1"] }],
    ["", boot, { how: "boot", uri: "doozer:?ca=a" }],
    ["-b doozer:?ca=b", boot, { how: "boot", uri: "doozer:?ca=b" }],
    ["--join :2,:1,:2", boot, {
      how: "join",
      list: ["127.0.0.1:2", "127.0.0.1:1"],
    }],
  ];
  for (const [args, env, beginning] of rows) {
    await t.step(`serve ${args}`, () => {
      assertEquals(read(args, env).beginning as unknown, beginning);
    });
  }
});

Deno.test("serve advertises an address as others are to dial it", () => {
  assertEquals(read("-advertise node1").advertise, "node1:8046");
  assertEquals(read("-advertise :9000").advertise, "127.0.0.1:9000");
});

Deno.test("serve -w takes every word for false", () => {
  for (const word of ["0", "f", "F", "false", "FALSE", "False"]) {
    read(`-w ${word}`);
  }
});

Deno.test("serve refuses flags that it cannot honour", async (t) => {
  const bad: readonly [string, string][] = [
    ["-a :1 -b doozer:?ca=x", "-a and -b are given"],
    ["-a :1 --join :1,:2", "-a and --join are given"],
    ["-a a:b:c", '"a:b:c"'],
    ["--join :1,9032", 'did you mean ":9032"?'],
    ["-b nonsense", 'Cannot boot from "nonsense"'],
    ["-l 0.0.0.0:1 --insecure -a :2", "every interface"],
    ["-advertise 0.0.0.0:1", "nobody can dial it"],
    ["-advertise :0", "nobody can dial it"],
    ["-request-timeout soon", "-request-timeout"],
    ["-w :8000", "it is not there yet"],
    ["-w true", "it is not there yet"],
    ["-l 127.0.0.1:65536", '"127.0.0.1:65536"'],
    ["-l a:b:c", '"a:b:c"'],
    ["-l 9032", 'did you mean ":9032"?'],
    ["-advertise 9032", 'did you mean ":9032"?'],
    ["-advertise x:y", '"x:y"'],
    ["-c a/b", 'Cannot name the cluster "a/b"'],
    ["-c ..", 'Cannot name the cluster ".."'],
    [`-c ${"n".repeat(256)}`, "Cannot name the cluster"],
    ["-hist 0", '"0" revs'],
    ["-hist 1.5", '"1.5" revs'],
    ["-hist -3", '"-3" revs'],
    ["-pulse x", 'Cannot set -pulse to "x"'],
    ["-timeout 5s", 'Cannot set -timeout to "5s"'],
    ["-fill -1", 'Cannot set -fill to "-1"'],
    ["-log-level loud", 'the level "loud"'],
    ["-log-format xml", 'the format "xml"'],
    ["-tlscert c.pem", "-tlskey is missing"],
    ["-tlskey k.pem", "-tlscert is missing"],
  ];
  for (const [args, message] of bad) {
    await t.step(`serve ${args}`, () => {
      const error = assertThrows(() => read(args), UsageError);
      assertEquals(error.message.includes(message), true, error.message);
    });
  }
});

Deno.test("serve opens to other machines only when told so", async (t) => {
  const secret = { DOOZER_RWSECRET: "rw" };
  for (const host of ["0.0.0.0", "[::]", "10.0.0.1", "db.example.com"]) {
    await t.step(host, () => {
      const args = `-l ${host}:8046`;
      assertThrows(() => read(args), UsageError, "takes a secret and TLS");
      assertThrows(() => read(args, secret), UsageError, "a secret and TLS");
      assertEquals(read(`${args} --insecure`).exposed, true);
      assertEquals(read(`${args} --insecure`, secret).exposed, true);
    });
  }
});

Deno.test("serve is open to other machines with a secret and TLS", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const pem = `${dir}/any.pem`;
    Deno.writeTextFileSync(pem, "-----BEGIN CERTIFICATE-----\n");
    const args = `-l 0.0.0.0:1 -tlscert ${pem} -tlskey ${pem}`;
    assertEquals(read(args, { DOOZER_ROSECRET: "ro" }).exposed, false);
    assertThrows(() => read(args), UsageError, "a secret and TLS");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("isLoopback() knows this machine", () => {
  const here = ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"];
  const away = ["0.0.0.0", "::", "10.0.0.1", "127.example.com", "localhost.x"];
  for (const host of here) assertEquals(isLoopback(host), true, host);
  for (const host of away) assertEquals(isLoopback(host), false, host);
});
