/**
 * What the documents repeat from the code is what the code says: limits, error
 * codes, exit statuses, variables, versions, the targets of a release.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { EXIT, EXIT_MEANINGS, statusOf } from "../../cli/exit_status.ts";
import { TOPICS } from "../../cli/topics.ts";
import { ERROR_CODES, type ErrorCode, LIMITS } from "../../store/mod.ts";

const readme = read("README.md");

function read(path: string): string {
  return Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
}

/** The rows of the table below a heading, cell by cell. */
function tableBelow(heading: string): string[][] {
  const section = readme.split(`\n### ${heading}\n`)[1]?.split("\n#")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  assert(rows.length > 2, `README.md has no table below "${heading}"`);
  return rows.slice(2).map((row) =>
    row.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  bytes: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  ms: 1,
  s: 1000,
};

/** "1,088 KiB" as a number; times in milliseconds. */
function parseQuantity(text: string): number {
  const [, digits = "", unit = ""] = /^([\d,]+) ?(\w*)$/.exec(text) ?? [];
  return Number(digits.replaceAll(",", "")) * (UNITS[unit] ?? NaN);
}

Deno.test("README.md gives each limit as store/limits.ts does", () => {
  const shown = tableBelow("Limits").map(([, value = "", name = ""]) => [
    name.replaceAll("`", ""),
    parseQuantity(value),
  ]);
  assertEquals(Object.fromEntries(shown), { ...LIMITS });
});

Deno.test("README.md gives each exit status as the code does", () => {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  assertEquals(
    tableBelow("Exit statuses"),
    names.map((name) => [String(EXIT[name]), EXIT_MEANINGS[name]]),
  );
});

Deno.test("README.md gives each error code as the code does", () => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  assertEquals(
    tableBelow("Error codes"),
    codes.map((code) => [
      `\`${code}\``,
      String(statusOf(code)),
      ERROR_CODES[code],
    ]),
  );
});

Deno.test("README.md names each variable that the help names", () => {
  const shown = tableBelow("Environment").map(([name = ""]) =>
    name.replaceAll("`", "")
  );
  const page = TOPICS.find((topic) => topic.name === "environment");
  assertEquals(shown, page?.rows().map((row) => row["variable"]));
});

Deno.test("README.md names each dependency", () => {
  const shown = tableBelow("Dependencies").map(([name = ""]) =>
    name.replaceAll("`", "")
  );
  const imported = Object.keys(config.imports).map((name) =>
    name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/")
  );
  assertEquals(shown.toSorted(), [...new Set(imported)].toSorted());
});

Deno.test("README.md and CHANGELOG.md name the version of deno.json", () => {
  const { version } = config;
  assert(readme.includes(`doozer ${version}: node`));
  assert(readme.includes(`/doozer-doozer-${version}.tgz`));
  assert(read("CHANGELOG.md").includes(`\n## ${version} `));
});

Deno.test("every file pins the same Deno", () => {
  const files = [
    "README.md",
    ".ci/run",
    ".github/CONTRIBUTING.md",
    ".github/workflows/check.yml",
    ".github/workflows/release.yml",
  ];
  for (const file of files) {
    const pins = read(file).matchAll(
      /(?:deno@|deno-version: |DENO_VERSION=)(\d+\.\d+\.\d+)/g,
    );
    const versions = [...new Set([...pins].map((pin) => pin[1]))];
    assertEquals(versions, ["2.9.6"], file);
  }
});

Deno.test("README.md and the release name the same five targets", () => {
  const shown = tableBelow("Platforms").map(([name = ""]) =>
    name.replaceAll("`", "")
  );
  const release = read(".github/workflows/release.yml");
  const built = release.match(/\b(?:x86_64|aarch64)-[\w-]+(?=[ ;\n])/g) ?? [];
  assertEquals(shown.toSorted(), [...new Set(built)].toSorted());
});

Deno.test("a relative link in a document leads to a file", () => {
  const documents = [
    "README.md",
    "CHANGELOG.md",
    "protocol/client/README.md",
    "tests/README.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
  ];
  for (const document of documents) {
    const links = read(document).matchAll(/\]\((?!https?:)([^)#]+)\)/g);
    for (const [, link = ""] of links) {
      if (link.endsWith("/releases")) continue; // A page of the forge.
      const target = new URL(
        link,
        new URL(`../../${document}`, import.meta.url),
      );
      assert(Deno.statSync(target).isFile, `${document}: ${link}`);
    }
  }
});
