// What a server remembers about who may do what, so that a hit touches no database. All of it is forgotten at once when
// the database says that anything about access has changed (NOTIFY gokura_access): such changes are rare, and one rule
// that forgets too much cannot forget too little. While notices do not arrive nothing is remembered.
import { LRUCache } from "lru-cache";
import type { Principal } from "../principal.ts";
import type { RememberedAccess } from "../registry.ts";
import type { FlagRow, OwnRoot, PolicyRow, ProjectRow } from "../rows.ts";

const MAX_PRINCIPALS = 10_000;
const MAX_PROJECTS = 10_000;

export class AccessMemory implements RememberedAccess {
  #generation = 0;
  #live: () => boolean = () => false;
  /** By the digest of the token. Entries live until the token or a membership expires. */
  readonly principals = new LRUCache<string, Principal>({ max: MAX_PRINCIPALS, ttl: 1, ttlAutopurge: false });
  /** Not forgotten with the rest: nobody is let in by it. */
  readonly onceGood = new LRUCache<string, true>({ max: MAX_PRINCIPALS });
  /** By id, or by full path in lower case; false: there is none. */
  readonly projects = new LRUCache<number | string, ProjectRow | false>({ max: MAX_PROJECTS });
  readonly flags = new LRUCache<"all", readonly FlagRow[]>({ max: 1 });
  /** What names of ours begin with beside the module host, longest first. */
  readonly ownRoots = new LRUCache<"all", readonly OwnRoot[]>({ max: 1 });

  readonly policies = new LRUCache<"all", readonly PolicyRow[]>({ max: 1 });

  /** The modules that there are advisories about. */
  readonly advisedModules = new LRUCache<"all", ReadonlySet<string>>({ max: 1 });

  /** Whether there is any project whose packages the anonymous may not read. */
  readonly hasClosedPackages = new LRUCache<"all", boolean>({ max: 1 });

  get generation(): number {
    return this.#generation;
  }

  get live(): boolean {
    return this.#live();
  }

  trust(live: () => boolean): void {
    this.#live = live;
  }

  forget(): void {
    this.#generation++;
    this.principals.clear();
    this.projects.clear();
    this.flags.clear();
    this.ownRoots.clear();
    this.policies.clear();
    this.advisedModules.clear();
    this.hasClosedPackages.clear();
  }

  async remember<K extends {}, V extends {}>(
    memory: LRUCache<K, V>,
    key: K,
    load: () => Promise<V>,
    ttlMs?: (value: V) => number,
  ): Promise<V> {
    const known = memory.get(key);
    if (known !== undefined) return known;
    const generation = this.#generation;
    const value = await load();
    const ttl = ttlMs?.(value) ?? 0;
    if (this.live && generation === this.#generation && ttl >= 0) memory.set(key, value, { ttl });
    return value;
  }
}
