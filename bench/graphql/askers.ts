// People who ask: an administrator, somebody without a token, a user of one private group, and one of none. Each answer is
// looked at: an error ends the bench.

/** Users of the seed and their tokens. */
export const TOKENS = { insider: "insiders-token-of-the-bench", outsider: "outsiders-token-of-the-bench" } as const;

/** Asks a query and returns its data. */
export type Asker = (query: string, variables?: Record<string, unknown>) => Promise<unknown>;

function asker(url: string, token: string | undefined): Asker {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return async (query, variables = {}) => {
    const response = await fetch(`${url}/api/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    if (errors !== undefined) throw new Error(`${query} ${JSON.stringify(variables)}: ${JSON.stringify(errors)}`);
    return data;
  };
}

/** Everybody, ready to ask. */
export function askers(url: string, adminToken: string): readonly Asker[] {
  return [adminToken, undefined, TOKENS.insider, TOKENS.outsider].map((token) => asker(url, token));
}
