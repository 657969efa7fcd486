/**
 * The package for npm: built, installed without a network, and used by Node's
 * own test runner against real nodes. What Node runs is in the .mjs files.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { buildPackage } from "../../packaging/npm/build.ts";
import { matchesOutput, readBlocks } from "../docs/markdown.ts";
import { certificate, NO_OPENSSL } from "../protocol/net/certificate.ts";
import { type NodeProcess, startNodeProcess } from "../system/node_process.ts";
import { scan } from "../tidy/scan.ts";

const TOP = new URL("../..", import.meta.url);
const PACKAGE = "node_modules/@doozer/doozer";
/** Node, npm and tsc end within this, or are ended. */
const HANG_MS = 120_000;
/** For the check of the declarations; fetched where the registry is reached. */
const TYPES = ["typescript@5.9.3", "@types/node@20.19.43"];
const FETCH_MS = 10_000;

const NO_NODE = await findObstacle();

Deno.test({
  name: `the package for npm works in Node${NO_NODE}`,
  ignore: NO_NODE !== "",
  timeout: 5 * HANG_MS,
  fn: async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "doozer-npm-test-" });
    try {
      await useIn(folder, t);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function useIn(folder: string, t: Deno.TestContext): Promise<void> {
  const tarball = await buildPackage(`${folder}/one`);
  const name = `${folder}/one/doozer-doozer-${config.version}.tgz`;
  assertEquals(tarball, name);
  await t.step("the same sources make the same bytes", async () => {
    const other = await buildPackage(`${folder}/two`);
    assertEquals(await Deno.readFile(other), await Deno.readFile(tarball));
  });
  await installPackage(folder, tarball);
  await t.step("it holds what it says, and nothing of Deno's", () => {
    checkContents(`${folder}/${PACKAGE}`);
  });
  await using node = await startNodeProcess();
  for (const file of ["node_client.mjs", "node_socket.mjs"]) {
    await t.step(`node --test ${file}`, () => testInNode(folder, file, node));
  }
  await t.step("the example in its README prints what it shows", async () => {
    await runExample(folder, { DOOZER_URI: node.uri });
  });
  const noTypes = await installTypes(folder);
  await t.step({
    name: `tsc --strict takes its declarations${noTypes}`,
    ignore: noTypes !== "",
    fn: () => checkTypes(folder),
  });
}

async function installPackage(folder: string, tarball: string): Promise<void> {
  const manifest = { name: "user", private: true, type: "module" };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
  const args = ["install", "--offline", "--no-audit", "--no-fund", tarball];
  await succeed("npm", { args, cwd: folder });
}

function checkContents(home: string): void {
  const files = filesIn(home);
  const manifest = JSON.parse(Deno.readTextFileSync(`${home}/package.json`));
  const { version, license } = config;
  assertEquals([manifest.version, manifest.license], [version, license]);
  assertEquals(manifest.engines, { node: ">=20.9" });
  assertEquals(manifest.dependencies, undefined);
  const entry = manifest.exports["."];
  for (const file of [entry.types, entry.default, "./LICENSE", "./README.md"]) {
    assert(files.includes(file.slice(2)), `${file} is not in the package`);
  }
  for (const file of files.filter((name) => /\.js$|\.d\.ts$/.test(name))) {
    const { code } = scan(Deno.readTextFileSync(`${home}/${file}`));
    // That the word is there tells it from Node; nothing is done with it.
    assert(!/\bDeno\b/.test(code), `${file} speaks of Deno`);
  }
  assert(!files.some((file) => /(^|\/)(consensus|cli)\//.test(file)));
}

function filesIn(folder: string, within = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${within}`)].flatMap((entry) => {
    const path = within + entry.name;
    return entry.isDirectory ? filesIn(folder, `${path}/`) : [path];
  });
}

async function testInNode(
  folder: string,
  file: string,
  node: NodeProcess,
): Promise<void> {
  await Deno.copyFile(
    new URL(`tests/packaging/${file}`, TOP),
    `${folder}/${file}`,
  );
  await using tls = await startTlsNode(folder);
  const env = { DOOZER_URI: node.uri, ...tls.env };
  const args = ["--test", "--test-reporter=spec", file];
  await succeed("node", { args, cwd: folder, env });
}

/** A node that speaks TLS, and where to find it; none without openssl. */
async function startTlsNode(
  folder: string,
): Promise<{ env: Record<string, string> } & AsyncDisposable> {
  if (NO_OPENSSL !== "") {
    return { env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { cert, key } = await certificate();
  const [certFile, keyFile] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(certFile, cert);
  await Deno.writeTextFile(keyFile, key);
  const args = ["-tlscert", certFile, "-tlskey", keyFile];
  const node = await startNodeProcess({ args });
  return {
    env: { DOOZER_TLS_URI: node.uri, DOOZER_CACERT: certFile },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

async function runExample(
  folder: string,
  env: Record<string, string>,
): Promise<void> {
  const readme = Deno.readTextFileSync(`${folder}/${PACKAGE}/README.md`);
  const blocks = readBlocks(readme);
  const textOf = (language: string): string => {
    const block = blocks.find((block) => block.language === language);
    if (block === undefined) throw new Error(`It has no ${language}`);
    return block.text;
  };
  await Deno.writeTextFile(`${folder}/example.mjs`, textOf("ts"));
  // It ends by itself: a closed client keeps no process alive.
  const args = ["example.mjs"];
  const printed = await succeed("node", { args, cwd: folder, env });
  assert(matchesOutput(textOf("output"), printed), printed);
}

/** Installs what checks the declarations; says why not where it cannot be. */
async function installTypes(folder: string): Promise<string> {
  const options = ["--no-audit", "--no-fund", "--prefer-offline"];
  const bounds = ["--fetch-retries=0", `--fetch-timeout=${FETCH_MS}`];
  const args = ["install", ...options, ...bounds, ...TYPES];
  const { success } = await finish("npm", { args, cwd: folder });
  return success ? "" : "; npm's registry cannot be reached from here";
}

async function checkTypes(folder: string): Promise<void> {
  const files = ["consumer.ts", "example.mts"];
  await Deno.copyFile(
    new URL("tests/packaging/consumer.ts", TOP),
    `${folder}/consumer.ts`,
  );
  await Deno.copyFile(`${folder}/example.mjs`, `${folder}/example.mts`);
  const tsc = `${folder}/node_modules/typescript/bin/tsc`;
  const rules = ["--strict", "--exactOptionalPropertyTypes", "--noEmit"];
  const types = ["--lib", "es2022", "--types", "node"];
  const args = [tsc, ...rules, ...types, "--module", "nodenext", ...files];
  await succeed("node", { args, cwd: folder });
}

/** How to run a program. */
interface Run {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program, which must end well, and returns what it printed. */
async function succeed(program: string, run: Run): Promise<string> {
  const { success, code, stdout, stderr } = await finish(program, run);
  const printed = new TextDecoder().decode(stdout);
  const said = printed + new TextDecoder().decode(stderr);
  const line = `${program} ${run.args.join(" ")}`;
  assert(success, `"${line}" ended with status ${code}:\n${said}`);
  return printed;
}

async function finish(
  program: string,
  { args, cwd, env = {} }: Run,
): Promise<Deno.CommandOutput> {
  return await new Deno.Command(program, {
    args: [...args],
    ...cwd === undefined ? {} : { cwd },
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    signal: AbortSignal.timeout(HANG_MS),
  }).output();
}

/** Why Node cannot be tested here, or "". */
async function findObstacle(): Promise<string> {
  if (Deno.build.os === "windows") return "; needs bash's tools";
  for (const program of ["node", "npm", "tar"]) {
    try {
      const { stdout } = await finish(program, { args: ["--version"] });
      const version = /^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
      if (program !== "node" || Number(version) >= 20) continue;
      return `; needs Node 20, and this is ${version}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return `; there is no ${program} here`;
    }
  }
  return "";
}
