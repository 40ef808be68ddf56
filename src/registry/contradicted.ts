// When a stored version is not what a checksum database was proved to say of it (checksums/proved-sums.ts): such a version is not
// served, and administrators see it. Said once, as SQL, for all statements that ask.

/**
 * SQL: whether the sums of a version `v` (`module_version`, as text) are others than those of `p` (`proved_sum`, as bytes). Null
 * where nothing was proved.
 */
export const CONTRADICTED =
  "v.h1 <> 'h1:' || encode(p.h1, 'base64') OR v.go_mod_h1 <> 'h1:' || encode(p.go_mod_h1, 'base64')";
