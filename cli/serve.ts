/**
 * `doozer serve`: runs a node until a signal ends it.
 *
 * @module
 */

import { formatAddress } from "../protocol/mod.ts";
import { AssertionError, DoozerError } from "../store/mod.ts";
import { readAddress } from "./address.ts";
import type { Call, Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { LineQueue } from "./line_queue.ts";
import { renderDropped, startLog } from "./log.ts";
import { readServeSettings, type ServeSettings } from "./serve_settings.ts";
import type { Lost } from "./memory.ts";
import { MemoryOutdated, type RunningNode, startNode } from "./start.ts";
import type { Log } from "./start.ts";
import { badTlsFiles } from "./tls_files.ts";
import { VERSION } from "./version.ts";

/** How long the end waits for whoever reads the log, in milliseconds. */
const LAST_WORDS_MS = 200;

/** `doozer serve`. */
export const serveCommand: Command = {
  name: "serve",
  summary: "run a node",
  args: [],
  flags: [
    {
      long: "listen",
      short: "l",
      takes: "ADDR",
      help: "the address to serve on (default 127.0.0.1:8046); :PORT is this " +
        "machine only; 0.0.0.0:PORT and [::]:PORT are every interface; port " +
        "0 is any free one",
    },
    {
      long: "advertise",
      takes: "ADDR",
      help: "the address to register, where it is not the one served on",
    },
    {
      long: "name",
      short: "c",
      takes: "NAME",
      help: 'the name of the cluster (default "local")',
    },
    {
      long: "data",
      takes: "DIR",
      help:
        "write everything to this directory, so that nothing is lost when " +
        "the node stops or the power fails (default: in memory only)",
    },
    {
      long: "hist",
      takes: "N",
      help: "how many revs of history to keep (default 360000)",
    },
    {
      long: "tlscert",
      takes: "FILE",
      help: "serve with TLS: the certificate, in PEM form",
    },
    { long: "tlskey", takes: "FILE", help: "and its private key" },
    {
      long: "insecure",
      help: "serve other machines without a secret and TLS",
    },
    {
      long: "pulse",
      takes: "SECONDS",
      help: "how often to write /ctl/node/ID/applied, each time a rev " +
        "(default 0, never)",
    },
    {
      long: "log-level",
      takes: "LEVEL",
      help: "debug, info, warning or error (default warning)",
    },
    {
      long: "log-format",
      takes: "text|json",
      help: "readable lines, or a JSON object per line (default text)",
    },
    {
      long: "web",
      short: "w",
      takes: "ADDR",
      help: "the web view; not there yet, only false is accepted",
    },
    {
      long: "attach",
      short: "a",
      takes: "ADDR",
      help: "attach to the cluster of the node at this address, or of the " +
        "first of several apart by commas; as an observer, until there is a " +
        "free seat",
    },
    {
      long: "boot-uri",
      short: "b",
      takes: "URI",
      help:
        "another cluster that serves as name service: attach to the nodes " +
        "that it knows under this cluster's name, or found the cluster " +
        "(default DOOZER_BOOT_URI)",
    },
    {
      long: "join",
      takes: "A,B,C",
      help: "found a cluster of the nodes at these addresses, or be part of " +
        "it; the same on every one of them",
    },
    {
      long: "timeout",
      takes: "SECONDS",
      help: "how long a node may be silent before its seat is cleared " +
        "(default 60; 0 means for ever)",
    },
    {
      long: "request-timeout",
      takes: "SECONDS",
      help: "how long clients wait where no quorum answers (default 5)",
    },
    {
      long: "fill",
      takes: "SECONDS",
      help: "accepted as in the original, without effect yet",
    },
    ...COMMON_FLAGS,
  ],
  about: "Runs a node: one tree of files in memory, served to all clients. " +
    "Prints one line on standard error once it serves, and warnings. Ctrl-C " +
    "or SIGTERM end it, with exit status 0, after it has handed over its " +
    "leadership.\n\n" +
    "With --data every write is on the disks of a majority before it is " +
    "answered, and the node goes on where it was when it is started again, " +
    "with the same id and seat; -a, -b and --join are then of no account. " +
    "Without --data nothing is written to disk: what no other node holds is " +
    "lost when it stops, and it gives up its seat before.\n\n" +
    "A node started with none of -a, -b and --join founds a cluster of its " +
    "own. Nodes that attach to it copy its state and take part as observers; " +
    'give them seats with "doozer add /ctl/cal/1" and so on (standard input ' +
    "empty), one for each. A cluster of 3 seats goes on when one node is " +
    "lost, one of 5 when two are.\n\n" +
    "With DOOZER_PEERSECRET in the environment, the same for all nodes, nodes " +
    "on other machines are let in; without it only those on this one.\n\n" +
    "With DOOZER_RWSECRET or DOOZER_ROSECRET in the environment, clients " +
    "need the secret to write or to read. To serve more than this machine " +
    "takes a secret and TLS, or --insecure.",
  examples: [
    { line: "doozer serve", does: "serves this machine, at 127.0.0.1:8046" },
    { line: "doozer serve -l :9000", does: "serves it at another port" },
    {
      line: "doozer serve --data /var/lib/doozer",
      does: "goes on where it was, whatever happened",
    },
    {
      line: "doozer serve -l :8047 -a :8046",
      does: "attaches another node to the one at port 8046",
    },
    {
      line: "doozer serve -l :8046 --join :8046,:8047,:8048",
      does: "founds a cluster of three; the same list for the other two",
    },
    {
      line: "DOOZER_RWSECRET=... doozer serve -l 0.0.0.0:8046 " +
        "-tlscert cert.pem -tlskey key.pem",
      does: "serves every machine, over TLS; clients need the secret to write",
    },
  ],
  synonyms: ["server", "start", "run", "doozerd", "daemon"],
  run: serve,
};

async function serve(call: Call): Promise<ExitStatus> {
  const settings = readServeSettings(call.flags, call.io);
  const { logLevel: level, logFormat: format } = settings;
  // A node never runs programs; whoever takes it over shall not either.
  Deno.permissions.revokeSync({ name: "run" });
  const queue = new LineQueue({
    write: call.io.writeError,
    dropped: (lines) => renderDropped(lines, format),
  });
  const write = (line: string): void => queue.push(line);
  const log = startLog({ level, format, write });
  try {
    return await serveUntilEnd(settings, { log, write });
  } finally {
    await queue.drained(LAST_WORDS_MS);
  }
}

async function serveUntilEnd(
  settings: ServeSettings,
  { log, write }: { log: Log; write: (line: string) => void },
): Promise<ExitStatus> {
  using signals = catchSignals();
  const surroundings = { log, signal: signals.aborted };
  let lost: Lost | undefined;
  let { listen } = settings;
  while (true) {
    const node = await startOrExplain(
      { ...settings, listen, lost },
      surroundings,
    )
      .catch((error) => {
        if (!signals.aborted.aborted) throw error;
      });
    // It was told to end before it served.
    if (node === undefined) return EXIT.done;
    if (lost === undefined) warnOfExposure(settings, log);
    write(startLine(node, settings));
    const end = await Promise.race([signals.first, node.failed]);
    if (!(end instanceof MemoryOutdated)) return await stop(node, { end, log });
    // It comes back by itself, as another node, where clients know it.
    lost = await node.forget();
    listen = readAddress(node.addr);
  }
}

function warnOfExposure({ exposed, listen }: ServeSettings, log: Log): void {
  if (!exposed) return;
  log.warn(
    "INSECURE: every machine that reaches this address can use the store, " +
      "and whoever sits on the way can read along",
    { address: formatAddress(listen) },
  );
}

async function stop(
  node: RunningNode,
  { end, log }: { end: string | Error; log: Log },
): Promise<ExitStatus> {
  if (!(end instanceof Error)) {
    log.info("Stopping", { signal: end });
    await node.stop();
    return EXIT.done;
  }
  const isFault = !(end instanceof DoozerError);
  if (isFault) log.error("The node failed", { error: end });
  await node.stop().catch(() => {}); // Its failure is what is told.
  if (!isFault) throw end;
  return EXIT.failed;
}

function startLine(node: RunningNode, settings: ServeSettings): string {
  const tls = settings.tls ? "&tls=true" : "";
  const uri = `doozer:?ca=${node.addr}${tls}`;
  const { dataDirectory } = settings;
  const where = dataDirectory === undefined
    ? "in memory (everything is lost when it stops)"
    : `from ${dataDirectory}, at rev ${node.rev}`;
  const message = `doozer ${VERSION}: node ${node.id} serves ${uri}, ${where}`;
  if (settings.logFormat === "text") return `${message}\n`;
  const durable = dataDirectory !== undefined;
  const fields = { id: node.id, uri, version: VERSION, durable };
  const time = new Date().toISOString();
  return JSON.stringify({ time, level: "info", message, ...fields }) + "\n";
}

async function startOrExplain(
  settings: ServeSettings & { readonly lost: Lost | undefined },
  surroundings: { readonly log: Log; readonly signal: AbortSignal },
): Promise<RunningNode> {
  const { listen, tls, ...others } = settings;
  try {
    return await startNode({ ...others, ...listen, tls, ...surroundings });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof DoozerError) throw error;
    const because = reasonNotToListen(error);
    if (because !== undefined) {
      throw new DoozerError(
        "OTHER",
        `Cannot serve on ${formatAddress(listen)}: ${because}`,
        { cause: error },
      );
    }
    // Which errors bad files lead to is the TLS library's secret.
    if (tls === undefined || error instanceof AssertionError) throw error;
    throw badTlsFiles(tls, error);
  }
}

function reasonNotToListen(error: Error): string | undefined {
  const { code } = error as Error & { code?: unknown };
  if (code === "EADDRINUSE") {
    return "the address is in use, perhaps by another node " +
      "(choose another port with -l)";
  }
  if (code === "EADDRNOTAVAIL") return "this machine has no such address";
  if (code === "EACCES") return "no permission to use the port";
  if (code === "ENOTFOUND") return "the host name is not known";
  return undefined;
}

/** What tells the process to end. */
interface Signals extends Disposable {
  /** The name of the first one. */
  readonly first: Promise<string>;
  /** Aborted by it. */
  readonly aborted: AbortSignal;
}

/** Catches the first stop signal; the second ends the process at once. */
function catchSignals(): Signals {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stopping = new AbortController();
  // Windows knows no SIGTERM.
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  let caught = false;
  const handlers = names.map((name): [Deno.Signal, () => void] => [name, () => {
    if (caught) Deno.exit(EXIT.failed);
    caught = true;
    resolve(name);
    stopping.abort();
  }]);
  for (const [name, handler] of handlers) Deno.addSignalListener(name, handler);
  return {
    first: promise,
    aborted: stopping.signal,
    [Symbol.dispose](): void {
      for (const [name, handler] of handlers) {
        Deno.removeSignalListener(name, handler);
      }
    },
  };
}
