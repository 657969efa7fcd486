/**
 * When each revision was asked for, and by whom: two columns of a chunk.
 *
 * A time of 53 bits and a text would cost more than the rest of the row. The
 * times of a chunk are near each other, and its origins few: so a row holds
 * the distance from the chunk's first time, and the place of its origin in
 * the chunk's list. Six bytes together. A time that is far off (somebody's
 * clock was wrong) lies in a map.
 *
 * @module
 */

/** Up to so many origins are searched one by one, more have an index. */
const SEARCHED_MAX = 8;

/** The stamps of so many rows, written in order. */
export class StampColumns {
  readonly #deltas: Int32Array;
  readonly #places: Uint16Array;
  readonly #origins: string[] = [];
  #base = 0;
  #farTimes: Map<number, number> | undefined;
  #placeOf: Map<string, number> | undefined;
  /** Of the row before: most rows have the origin of their neighbour. */
  #lastPlace = 0;

  /** Holds at most 65,536 rows. */
  constructor(rows: number) {
    this.#deltas = new Int32Array(rows);
    this.#places = new Uint16Array(rows);
  }

  /** How many origins are told apart. */
  get origins(): number {
    return this.#origins.length;
  }

  write(row: number, time: number, origin: string): void {
    if (this.#origins.length === 0) this.#base = time;
    const delta = time - this.#base;
    this.#deltas[row] = delta;
    if (this.#deltas[row] !== delta) {
      this.#farTimes ??= new Map();
      this.#farTimes.set(row, time);
    }
    if (this.#origins[this.#lastPlace] !== origin) {
      this.#lastPlace = this.#find(origin);
    }
    this.#places[row] = this.#lastPlace;
  }

  timeOf(row: number): number {
    const far = this.#farTimes?.get(row);
    return far ?? this.#base + this.#deltas[row]!;
  }

  originOf(row: number): string {
    return this.#origins[this.#places[row]!]!;
  }

  /** No more rows come: what only helps to write is given back. */
  seal(): void {
    this.#placeOf = undefined;
  }

  /** Forgets all rows; then they can be written anew. */
  clear(): void {
    this.#origins.length = 0;
    this.#farTimes = undefined;
    this.#placeOf = undefined;
    this.#lastPlace = 0;
  }

  /** The origin's place in the list, where it is added if it is new. */
  #find(origin: string): number {
    const origins = this.#origins;
    if (origins.length > SEARCHED_MAX) {
      this.#placeOf ??= new Map(origins.map((known, place) => [known, place]));
    }
    const place = this.#placeOf === undefined
      ? origins.indexOf(origin)
      : this.#placeOf.get(origin) ?? -1;
    if (place >= 0) return place;
    this.#placeOf?.set(origin, origins.length);
    return origins.push(origin) - 1;
  }
}
