/**
 * The files that `serve` takes for TLS.
 *
 * @module
 */

import type { DoozerError } from "../store/mod.ts";
import { AdvisedError } from "./failure.ts";

/** Certificate and key as PEM texts, and the files they are from. */
export interface TlsFiles {
  readonly cert: string;
  readonly certFile: string;
  readonly key: string;
  readonly keyFile: string;
}

/** Names both files, and why they will not do. */
export function badTlsFiles(
  { certFile, keyFile }: TlsFiles,
  cause: unknown,
): DoozerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AdvisedError(
    "OTHER",
    `Cannot serve with TLS: the certificate "${certFile}" and the key ` +
      `"${keyFile}" cannot be used together: ${why}`,
    {
      cause,
      hint: "-tlscert takes the certificate, -tlskey the private key that " +
        "belongs to it, both in PEM form",
    },
  );
}
