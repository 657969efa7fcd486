/**
 * Reads a file's body from standard input.
 *
 * @module
 */

import { DoozerError, LIMITS } from "../store/mod.ts";
import { cannot, type Io } from "./io.ts";
// @ts-types="./streams.d.ts"
import { LimitedBytesTransformStream, toBytes } from "@std/streams";

/** The whole of standard input, which must fit into one file. */
export async function readBody(io: Io): Promise<Uint8Array> {
  if (io.inputIsTerminal) {
    io.say("Reading the body from the terminal; end it with Ctrl-D.\n");
  }
  // Stop at the limit: the input may be endless.
  const limit = new LimitedBytesTransformStream(LIMITS.valueBytes, {
    error: true,
  });
  try {
    return await toBytes(io.input.pipeThrough(limit));
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw cannot("read standard input", error);
    }
    throw new DoozerError(
      "LIMIT",
      `Cannot read the body: it is above ${LIMITS.valueBytes} bytes, ` +
        "the most that a file can hold",
      { cause: error },
    );
  }
}
