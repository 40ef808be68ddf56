/** What CI asks, always the same: a test that fails there says something of the change and not of the day. */
const SEED_OF_CI = 20_261_121;

/** Where a random test begins: what the variable says, the same place every time in CI, else anywhere. */
export function seedOf(variable: "CONFORMANCE_SEED" | "FUZZ_SEED" | "GRAPH_SEED" | "PROPERTY_SEED"): number {
  const given = process.env[variable];
  if (given !== undefined) return Number(given);
  return process.env.CI ? SEED_OF_CI : 1 + Math.floor(Math.random() * 1e6);
}
