/**
 * The links that are up, by the node they lead to.
 *
 * There may be two links with one node for a moment: both have dialled at
 * once, or one of them knows already that the old link is dead. All of them
 * are read; each message goes out over one. Of two nodes the one with the
 * smaller id chooses the newest link, and the other one answers where it is
 * spoken to; the link that nobody uses falls silent and is cut. So a node is
 * never taken for gone while there is a link that works.
 *
 * @module
 */
import type { NodeId } from "../mod.ts";
import type { PeerLink } from "./peer_link.ts";

/** Links with one node, at most: the oldest must go. */
const LINKS_MAX = 4;

interface Entry {
  /** The oldest first. */
  readonly links: PeerLink[];
  /** Over which messages go out. */
  current: PeerLink;
}

/** The links that are up. */
export class PeerTable {
  readonly #entries: Map<NodeId, Entry> = new Map();

  /** The nodes that there is a link with. */
  ids(): NodeId[] {
    return [...this.#entries.keys()];
  }

  /** The link over which messages to the node go out. */
  current(id: NodeId): PeerLink | undefined {
    return this.#entries.get(id)?.current;
  }

  /** All links, those of one node the oldest first. */
  all(): PeerLink[] {
    return [...this.#entries.values()].flatMap(({ links }) => links);
  }

  /** All links with a node, the oldest first. */
  linksWith(id: NodeId): readonly PeerLink[] {
    return this.#entries.get(id)?.links ?? [];
  }

  /** Adds a link that is up; tells whether it is the node's only one. */
  add(link: PeerLink): boolean {
    const entry = this.#entries.get(link.peerId);
    if (entry === undefined) {
      this.#entries.set(link.peerId, { links: [link], current: link });
      return true;
    }
    entry.links.push(link);
    entry.current = link;
    if (entry.links.length > LINKS_MAX) {
      entry.links[0]!.end("there are newer links with that node");
    }
    return false;
  }

  /** Something has come in over the link. */
  heard(link: PeerLink): void {
    const entry = this.#entries.get(link.peerId);
    if (entry === undefined || entry.current === link) return;
    // The one with the smaller id has chosen; here is where it speaks.
    if (link.peerId < link.hello.id) entry.current = link;
  }

  /** Takes a link out; tells whether it was the node's last one. */
  remove(link: PeerLink): boolean {
    const entry = this.#entries.get(link.peerId);
    const at = entry?.links.indexOf(link) ?? -1;
    if (entry === undefined || at < 0) return false;
    entry.links.splice(at, 1);
    const newest = entry.links.at(-1);
    if (newest === undefined) this.#entries.delete(link.peerId);
    else if (entry.current === link) entry.current = newest;
    return newest === undefined;
  }
}
