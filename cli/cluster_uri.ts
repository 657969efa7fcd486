/**
 * The cluster to ask, as a person names it: a URI, or just addresses.
 *
 * @module
 */

import { formatAddress, parseAddress, parseUri } from "../protocol/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { hideSecrets } from "./failure.ts";

/**
 * The URI that the words together mean. A word is a URI, or `HOST:PORT`, or
 * several of those with commas; servers are tried in the order given. A URI
 * alone stays as it is.
 *
 * @throws {DoozerError} `OTHER`, naming the word that cannot be read, or the
 * field that two words give differently.
 */
export function clusterUri(words: readonly string[]): string {
  const uris = words.map(toUri);
  const [first = ""] = uris;
  return uris.length === 1 ? first : joinUris(uris);
}

function toUri(word: string): string {
  if (!isAddressList(word)) {
    parseUri(word); // It says what is wrong with it.
    return word;
  }
  const addresses = word.split(",").map((text) => readAddress(text.trim()));
  return `doozer:?${addresses.map((address) => `ca=${address}`).join("&")}`;
}

/** A host may be called "doozer": `doozer:8046` is no URI. */
function isAddressList(word: string): boolean {
  return !/[?=/]/.test(word) && !/^doozer:(?!\d+(,|$))/.test(word);
}

function readAddress(text: string): string {
  // To the grammar it is a host.
  if (/^\d+$/.test(text)) {
    throw new DoozerError(
      "OTHER",
      `Cannot ask "${text}": it has no host; did you mean ":${text}"?`,
    );
  }
  return formatAddress(parseAddress(text));
}

function joinUris(uris: readonly string[]): string {
  const fields = new URLSearchParams();
  for (const uri of uris) {
    for (const [field, value] of new URLSearchParams(uri.slice(8))) {
      if (field === "ca") {
        if (!fields.getAll("ca").includes(value)) fields.append("ca", value);
        continue;
      }
      // A secret, or TLS, is the whole cluster's.
      const known = fields.get(field);
      if (known !== null && known !== value) throw contradiction(field, uri);
      fields.set(field, value);
    }
  }
  // As people write it: brackets of IPv6 addresses need no escape.
  return `doozer:?${fields}`.replaceAll("%3A", ":");
}

function contradiction(field: string, uri: string): DoozerError {
  return new DoozerError(
    "OTHER",
    `Cannot ask one cluster of two URIs: "${hideSecrets(uri)}" gives another ` +
      `"${field}" than one before it`,
  );
}
