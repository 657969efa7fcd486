/**
 * Builds the client library as a package for npm: `deno task npm` writes
 * `dist/doozer-doozer-VERSION.tgz`. The same sources make the same bytes.
 *
 * `deno pack` turns the modules into JavaScript and declarations, and checks
 * their types; `npm pack` makes the package. It works on a copy of the modules
 * that the library loads, for three reasons: Node does not get the server; the
 * copy is checked with the types that Node 20 has, so that what only Deno or a
 * later Node knows cannot slip in; and Deno's own sockets stay out.
 *
 * @module
 */

const TOP = new URL("../..", import.meta.url);
const ENTRY = "protocol/net/connect.ts";

/**
 * The first long-term release of Node 20. The language is what it knows; the
 * disposables, which it has but in part, are for `using` clients to compile.
 */
const NODE = ">=20.9";
const LIBRARIES = ["es2023", "esnext.disposable", "dom", "dom.asynciterable"];

/** What stands in the package in a module's place. */
const INSTEAD: Readonly<Record<string, string>> = {
  // Whoever loads the package in Deno gets Deno's sockets by way of Node's.
  "protocol/net/deno_socket.ts":
    'export { openNodeSocket as openDenoSocket } from "./node_socket.ts";\n',
};

/** What deno.json says of the package. */
interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/**
 * Builds the package into a folder, and returns the path of the tarball.
 *
 * @throws {Error} Where a module is not fit for Node, or a tool is missing or
 * fails, with what it said.
 */
export async function buildPackage(folder: string): Promise<string> {
  const config = await readConfig();
  const stage = await Deno.makeTempDir({ prefix: "doozer-npm-" });
  try {
    await copySources(stage, config);
    const packed = `${stage}/packed.tgz`;
    const pack = ["pack", "--no-source-maps", "--allow-dirty", "-o", packed];
    await run(Deno.execPath(), { args: pack, cwd: stage });
    await run("tar", { args: ["xzf", packed], cwd: stage });
    await Deno.writeTextFile(
      `${stage}/package/package.json`,
      `${JSON.stringify(manifest(config), null, 2)}\n`,
    );
    await Deno.mkdir(folder, { recursive: true });
    const said = await run("npm", {
      args: ["pack", "--offline", "--pack-destination", folder],
      cwd: `${stage}/package`,
    });
    return `${folder}/${said.trim().split("\n").at(-1)}`;
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", TOP)));
}

/** Copies what the package is made of. */
async function copySources(stage: string, config: Config): Promise<void> {
  for (const path of await findModules()) {
    const target = `${stage}/${path}`;
    await Deno.mkdir(target.replace(/\/[^/]*$/, ""), { recursive: true });
    const text = INSTEAD[path] ?? await Deno.readTextFile(new URL(path, TOP));
    checkSyntax(path, text);
    await Deno.writeTextFile(target, text);
  }
  await Deno.copyFile(new URL("LICENSE", TOP), `${stage}/LICENSE`);
  const readme = new URL("packaging/npm/README.md", TOP);
  await Deno.copyFile(readme, `${stage}/README.md`);
  const { name, version, license, compilerOptions } = config;
  const options = { ...compilerOptions, lib: LIBRARIES };
  const staged = {
    ...{ name, version, license, exports: `./${ENTRY}` },
    compilerOptions: options,
  };
  await Deno.writeTextFile(`${stage}/deno.json`, JSON.stringify(staged));
}

/** Refuses what types do not tell of, and `deno pack` leaves as it is. */
function checkSyntax(path: string, text: string): void {
  const line = text.split("\n").findIndex((line) =>
    /^\s*(for \()?(await )?using \w+ (=|of) /.test(line)
  );
  if (line < 0) return;
  throw new Error(
    `Cannot build the package: ${path}:${
      line + 1
    } has "using", which Node 20 ` +
      'cannot read; say "try" and "finally" there',
  );
}

/** A module as `deno info --json` tells of it. */
interface ModuleInfo {
  readonly specifier: string;
  readonly kind?: string;
  readonly error?: string;
}

/** The paths, from the top folder, of all modules that the library loads. */
async function findModules(): Promise<string[]> {
  const told = await run(Deno.execPath(), {
    args: ["info", "--json", ENTRY],
    cwd: TOP,
  });
  const { modules } = JSON.parse(told) as { modules: readonly ModuleInfo[] };
  return modules.filter(({ kind }) => kind !== "node").map((module) => {
    if (module.error !== undefined) throw new Error(module.error);
    if (module.specifier.startsWith(TOP.href)) {
      return decodeURIComponent(module.specifier.slice(TOP.href.length));
    }
    throw new Error(
      `Cannot build the package: "${module.specifier}" is none of ours; the ` +
        "library must do without dependencies",
    );
  });
}

/** The package.json; that of `deno pack` says less. */
function manifest({ name, version, license }: Config): unknown {
  const module = `./${ENTRY.replace(/\.ts$/, "")}`;
  return {
    name,
    version,
    description: "Client for doozer, a consistent store for small, important " +
      "data: get, compare-and-set, watch",
    keywords: ["doozer", "coordination", "configuration", "consensus"],
    license,
    type: "module",
    sideEffects: false,
    engines: { node: NODE },
    exports: {
      ".": { types: `${module}.d.ts`, default: `${module}.js` },
      "./package.json": "./package.json",
    },
    types: `${module}.d.ts`,
  };
}

/** Runs a tool to its end, and returns what it printed. */
async function run(
  program: string,
  { args, cwd }: { readonly args: readonly string[]; cwd: string | URL },
): Promise<string> {
  const decoder = new TextDecoder();
  const name = `${program} ${args[0]}`;
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, {
      args: [...args],
      cwd,
      env: { NO_COLOR: "1" },
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot run "${name}": there is no ${program} here`, {
      cause: error,
    });
  }
  if (output.success) return decoder.decode(output.stdout);
  const said = decoder.decode(output.stdout) + decoder.decode(output.stderr);
  throw new Error(`"${name}" ended with status ${output.code}:\n${said}`);
}

if (import.meta.main) {
  const folder = decodeURIComponent(new URL("dist", TOP).pathname);
  console.log(`Wrote ${await buildPackage(folder)}`);
}
