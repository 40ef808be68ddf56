// fast-check, whose random cases begin where seedOf() says: in CI always at the same place. A failure names its seed.
import fc from "fast-check";
import { seedOf } from "./seed.ts";

fc.configureGlobal({ seed: seedOf("PROPERTY_SEED") });

export default fc;
