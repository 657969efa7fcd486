/**
 * A certificate for 127.0.0.1, made with the openssl command.
 *
 * @module
 */

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Why TLS cannot be tested here, or "". */
export const NO_OPENSSL = await hasOpenssl()
  ? ""
  : "; there is no openssl here";

let made: Promise<Certificate> | undefined;

/** One certificate for all tests of a file. */
export function certificate(): Promise<Certificate> {
  return made ??= make();
}

async function make(): Promise<Certificate> {
  const folder = await Deno.makeTempDir({ prefix: "doozer-tls-" });
  try {
    const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
    await openssl([
      ...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
      ...["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=doozer"],
      ...["-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", key, "-out", cert],
    ]);
    return {
      cert: await Deno.readTextFile(cert),
      key: await Deno.readTextFile(key),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function openssl(args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function hasOpenssl(): Promise<boolean> {
  try {
    await openssl(["version"]);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
