// The kinds of loaders that there are (facebook/dataloader): of one thing by its number or its name, and of a list that belongs
// to a thing. Each waits until all that can be asked at once has been asked, and asks once.
import DataLoader from "dataloader";

/** Loads by number; undefined for what is not there. */
export type ById<V> = DataLoader<number, V | undefined>;

/** Loads by name; undefined for what is not there, unless there is always an answer. */
export type ByName<Name, V, Absent = undefined> = DataLoader<Name, V | Absent, string>;

/** Loads a list that belongs to an object; undefined for one that the principal may not see. */
export interface ListLoader<Of, Args, V> {
  load(of: Of, args: Args): Promise<V | undefined>;
}

export interface HasId {
  readonly id: number;
}

/** A loader by number, of a function that finds many at once. */
export function byId<V>(load: (ids: readonly number[]) => Promise<ReadonlyMap<number, V>>): ById<V> {
  return new DataLoader(async (ids) => {
    const found = await load(ids);
    return ids.map((id) => found.get(id));
  });
}

/** A loader by name; `nameOfKey` says which names are the same. */
export function byName<Name, V>(
  nameOfKey: (name: Name) => string,
  load: (names: readonly Name[]) => Promise<ReadonlyMap<string, V>>,
): ByName<Name, V> {
  return new DataLoader<Name, V | undefined, string>(
    async (names) => {
      const found = await load(names);
      return names.map((name) => found.get(nameOfKey(name)));
    },
    { cacheKeyFn: nameOfKey },
  );
}

/** Their numbers. */
export function numbersOf(of: readonly HasId[]): number[] {
  return of.map(({ id }) => id);
}

/** Rows by their numbers. */
export function indexed<V extends { readonly id: number }>(rows: readonly V[]): Map<number, V> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** Lists that are asked for with the same arguments are loaded together. */
export function listLoader<Of extends { readonly id: number }, Args, V>(
  load: (of: readonly Of[], args: Args) => Promise<ReadonlyMap<number, V>>,
): ListLoader<Of, Args, V> {
  const loaders = new Map<string, DataLoader<Of, V | undefined, number>>();
  return {
    load(of, args) {
      const key = JSON.stringify(args);
      let loader = loaders.get(key);
      if (!loader) {
        const batch = async (all: readonly Of[]) => {
          const found = await load(all, args);
          return all.map(({ id }) => found.get(id));
        };
        loader = new DataLoader(batch, { cacheKeyFn: ({ id }) => id });
        loaders.set(key, loader);
      }
      return loader.load(of);
    },
  };
}
