/**
 * Reads vectors.txt: bytes and what they mean, checked in both directions.
 *
 * @module
 */

/** One line of vectors.txt. */
export interface Vector {
  readonly kind: string;
  /** The bytes; "-" in the file stands for none. */
  readonly hex: string;
  /** `<=>` both ways, `=>` for reading only, `!!` refused. */
  readonly arrow: "<=>" | "=>" | "!!";
  /** The value in JSON, or a part of the error's message. */
  readonly meaning: string;
  /** Names the line in a failure. */
  readonly label: string;
}

const TEXT = Deno.readTextFileSync(new URL("./vectors.txt", import.meta.url));
const LINE = /^(?<kind>\w+) (?<hex>[0-9a-f]+|-) (?<arrow><=>|=>|!!) (.+)$/;

/** All vectors of a kind; there must be some. */
export function vectorsOf(kind: string): readonly Vector[] {
  const found = ALL.filter((vector) => vector.kind === kind);
  if (found.length === 0) throw new Error(`No vector is of kind "${kind}"`);
  return found;
}

/** The kinds that there are. */
export function vectorKinds(): Set<string> {
  return new Set(ALL.map((vector) => vector.kind));
}

/** The bytes of a vector. */
export function bytesOf({ hex }: Vector): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex);
}

function parse(): Vector[] {
  const vectors: Vector[] = [];
  for (const [index, line] of TEXT.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const [, kind = "", hex = "", arrow, meaning = ""] = LINE.exec(line) ?? [];
    if (arrow !== "<=>" && arrow !== "=>" && arrow !== "!!") {
      throw new Error(`vectors.txt:${index + 1}: cannot read "${line}"`);
    }
    const label = `vectors.txt:${index + 1}: ${line}`;
    const bytes = hex === "-" ? "" : hex;
    vectors.push({ kind, hex: bytes, arrow, meaning, label });
  }
  return vectors;
}

const ALL = parse();
