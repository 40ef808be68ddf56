// Which call an address means. Addresses are read as they were sent: each segment is decoded after the path was split, so
// that the %2F in projects/acme%2Flib stays within its segment, and GitLab's Go client may write every dot as %2E
// (doc/api/rest, "Namespaced paths"). A word of the path goes before a parameter: personal_access_tokens/self is no number.
import type { Call, Method } from "./call.ts";

interface Place {
  readonly words: Map<string, Place>;
  parameter: Place | undefined;
  readonly calls: Map<Method, Call>;
}

export interface FoundCall {
  readonly call: Call;
  /** The parameters of the path, decoded; undefined for one that cannot be decoded. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
}

/** Returns a function that finds the call of a path below the root of the API; a list of methods: they and no others. */
export function routeTable(calls: readonly Call[]): (method: string, path: string) => FoundCall | Method[] | undefined {
  const root: Place = { words: new Map(), parameter: undefined, calls: new Map() };
  for (const call of calls) add(root, call);
  return (method, path) => {
    const segments = path.slice(1).split("/");
    const places = [...matching(root, segments, 0)];
    if (places.length === 0) return undefined;
    const wanted = method === "HEAD" ? "GET" : (method as Method);
    const call = places.map((place) => place.calls.get(wanted)).find((one) => one !== undefined);
    return call ? { call, parameters: parametersOf(call, segments) } : places.flatMap(({ calls }) => [...calls.keys()]);
  };
}

function add(root: Place, call: Call): void {
  const empty = (): Place => ({ words: new Map(), parameter: undefined, calls: new Map() });
  let place = root;
  for (const segment of call.path.slice(1).split("/")) {
    if (segment.startsWith(":")) place = place.parameter ??= empty();
    else {
      if (!place.words.has(segment)) place.words.set(segment, empty());
      place = place.words.get(segment)!;
    }
  }
  if (place.calls.has(call.method)) throw new Error(`${call.method} ${call.path} is defined twice`);
  place.calls.set(call.method, call);
}

function* matching(place: Place, segments: readonly string[], at: number): Generator<Place> {
  if (at === segments.length) {
    if (place.calls.size > 0) yield place;
    return;
  }
  const word = place.words.get(segments[at]!);
  if (word) yield* matching(word, segments, at + 1);
  if (place.parameter && segments[at] !== "") yield* matching(place.parameter, segments, at + 1);
}

function parametersOf(call: Call, segments: readonly string[]): Map<string, string | undefined> {
  const parameters = new Map<string, string | undefined>();
  for (const [at, name] of call.path.slice(1).split("/").entries())
    if (name.startsWith(":")) parameters.set(name.slice(1), decoded(segments[at]!));
  return parameters;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** The names of the parameters in a path. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
}

/** GitLab's clients write `features/` and `features//name`; neither is worth a redirect, which would turn POST into GET. */
export function tidyPath(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}
