/**
 * The client library in Node: npm_test.ts installs the package, starts the
 * nodes that the environment names, and runs this file with `node --test`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import { test } from "node:test";
import { connect, DoozerError } from "@doozer/doozer";

const { DOOZER_URI, DOOZER_TLS_URI, DOOZER_CACERT } = process.env;
const text = (bytes) => new TextDecoder().decode(bytes);

/** A test that hangs must fail instead; none comes near. */
const within = { timeout: 30_000 };

/** Runs with a client, and closes it. */
async function withClient(run, uri = DOOZER_URI, options = {}) {
  const client = await connect(uri, options);
  try {
    return await run(client);
  } finally {
    client.close();
  }
}

/** Has the code, and says the detail. */
const fails = (code, detail) => (error) => {
  assert.ok(error instanceof DoozerError, String(error));
  assert.equal(error.code, code, error.detail);
  assert.match(error.detail, detail);
  return true;
};

/** Runs with a server's address, and ends the server with its sockets. */
async function withServer(onSocket, run) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await run(`127.0.0.1:${server.address().port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A port where nothing listens, for now. */
const deadPort = () =>
  withServer(() => {}, (addr) => Number(addr.split(":")[1]));

test(
  "a file is written, read, and removed",
  within,
  () =>
    withClient(async (client) => {
      const rev = await client.set("/node/file", "één");
      const { path, rev: read, value } = await client.get("/node/file");
      assert.deepEqual([path, read, text(value)], ["/node/file", rev, "één"]);
      assert.equal((await client.stat("/node/file")).len, 5);
      await client.del("/node/file", { rev });
      assert.equal((await client.get("/node/file")).rev, 0);
    }),
);

test(
  "compare-and-set takes no older rev",
  within,
  () =>
    withClient(async (client) => {
      await client.del("/node/cas");
      const first = await client.set("/node/cas", "1", { rev: 0 });
      const second = await client.set("/node/cas", "2", { rev: first });
      assert.ok(second > first);
      for (const rev of [0, first]) {
        await assert.rejects(
          client.set("/node/cas", "3", { rev }),
          fails("REV_MISMATCH", /./),
        );
      }
      assert.equal(text((await client.get("/node/cas")).value), "2");
    }),
);

test(
  "large bodies arrive whole, many at once",
  within,
  () =>
    withClient(async (client) => {
      const body = new Uint8Array(1 << 20).map((_, at) => at * 31 + (at >> 8));
      await client.set("/node/large", body);
      const reads = Array.from({ length: 20 }, () => client.get("/node/large"));
      for (const { value } of await Promise.all(reads)) {
        assert.ok(Buffer.from(body).equals(value));
      }
      await client.del("/node/large");
    }),
);

test(
  "a watch tells every change once, in order",
  within,
  () =>
    withClient(async (client) => {
      const from = await client.rev() + 1;
      const written = [];
      const write = async () => {
        for (let n = 0; n < 100; n++) {
          written.push([await client.set("/node/watch/n", `${n}`), `${n}`]);
        }
        await client.del("/node/watch/n");
      };
      const writing = write();
      const seen = [];
      for await (const event of client.watch("/node/watch/*", { rev: from })) {
        if (event.kind === "del") break;
        seen.push([event.rev, text(event.value)]);
      }
      await writing;
      assert.deepEqual(seen, written);
    }),
);

test(
  "who gives up waiting goes on with the client",
  within,
  () =>
    withClient(async (client) => {
      const ending = new AbortController();
      const waiting = client.wait("/node/never", { signal: ending.signal });
      ending.abort();
      await assert.rejects(waiting, DoozerError);
      await assert.rejects(
        client.wait("/node/never", { rev: 1, timeoutMs: 10 }),
        fails("TIMEOUT", /10 ms/),
      );
      assert.ok(await client.rev() > 0);
    }),
);

test(
  "the names of a directory, and the files of a glob",
  within,
  () =>
    withClient(async (client) => {
      for (const name of ["b", "a", "c"]) {
        await client.set(`/node/list/${name}`, name);
      }
      const names = [];
      for await (const name of client.getdir("/node/list")) names.push(name);
      assert.deepEqual(names, ["a", "b", "c"]);
      const files = [];
      for await (const { value } of client.walk("/node/list/*")) {
        files.push(text(value));
      }
      assert.deepEqual(files, ["a", "b", "c"]);
    }),
);

test("no server: it says of each why", within, async () => {
  const dead = await deadPort();
  for (const host of ["127.0.0.1", "localhost"]) {
    await assert.rejects(
      connect(`doozer:?ca=${host}:${dead}`),
      fails(
        "UNAVAILABLE",
        new RegExp(`${host}:${dead}: nothing listens there \\(connection`),
      ),
    );
  }
});

test("the next server is tried", within, async () => {
  const addr = /ca=([^&]+)/.exec(DOOZER_URI)[1];
  const uri = `doozer:?ca=127.0.0.1:${await deadPort()}&ca=${addr}`;
  await withClient(async (client) => {
    assert.equal(client.address, addr);
    assert.ok(await client.rev() > 0);
  }, uri);
});

test(
  "connecting ends when its time is up, or when aborted",
  within,
  () =>
    withServer(() => {}, async (addr) => {
      const uri = `doozer:?ca=${addr}&tls=true`;
      await assert.rejects(
        connect(uri, { timeoutMs: 50 }),
        fails("UNAVAILABLE", /no answer within the time-out/),
      );
      const ending = new AbortController();
      const { signal } = ending;
      const connecting = connect(uri, { timeoutMs: 0, signal });
      ending.abort(new Error("Enough"));
      await assert.rejects(connecting, fails("UNAVAILABLE", /aborted|Enough/));
      await assert.rejects(
        connect(uri, { timeoutMs: 0, signal }),
        fails("UNAVAILABLE", /aborted|Enough/),
      );
    }),
);

const noTls = DOOZER_TLS_URI === undefined ? "; there is no openssl here" : "";
const withTls = { ...within, skip: noTls !== "" };

test(`TLS: a certificate that is trusted${noTls}`, withTls, async () => {
  const caCerts = [readFileSync(DOOZER_CACERT, "utf8")];
  await withClient(
    async (client) => {
      const body = new Uint8Array(300_000).fill(7);
      const rev = await client.set("/node/tls", body);
      const file = await client.get("/node/tls");
      assert.equal(file.rev, rev);
      assert.ok(Buffer.from(body).equals(file.value));
    },
    DOOZER_TLS_URI,
    { caCerts },
  );
});

test(`TLS: one that is not, or has another name${noTls}`, withTls, async () => {
  await assert.rejects(
    connect(DOOZER_TLS_URI),
    fails("UNAVAILABLE", /self-signed certificate/),
  );
  const caCerts = [readFileSync(DOOZER_CACERT, "utf8")];
  const named = DOOZER_TLS_URI.replace("127.0.0.1", "localhost");
  await assert.rejects(
    connect(named, { caCerts }),
    fails("UNAVAILABLE", /does not match certificate/),
  );
});

test(`TLS: a server that speaks none${noTls}`, withTls, async () => {
  await assert.rejects(
    connect(`${DOOZER_URI}&tls=true`),
    fails("UNAVAILABLE", /127\.0\.0\.1:\d+: \S.*\S$/s),
  );
});
