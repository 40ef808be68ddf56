// The page of a module or of one of its versions, tab by tab.
import type { Tab } from "../html/addresses.ts";
import type { Html } from "../html/template.ts";
import type { Show, Visit } from "../html/visit.ts";
import { buildListTab } from "./build-list-tab.ts";
import { dependentsTab } from "./dependents-tab.ts";
import { downloadsTab } from "./downloads-tab.ts";
import { answerElsewhere } from "./elsewhere.ts";
import { tabAsked, versionPage } from "./frame.ts";
import { goModTab } from "./go-mod-tab.ts";
import { licensesTab } from "./licenses-tab.ts";
import { overviewTab } from "./overview-tab.ts";
import { provenanceTab } from "./provenance-tab.ts";
import { demandShown, type ShownVersion } from "./shown-version.ts";
import { versionsTab } from "./versions-tab.ts";
import { vulnerabilitiesTab } from "./vulnerabilities-tab.ts";

const CONTENTS: Readonly<Record<Tab, (visit: Visit, shown: ShownVersion) => Promise<Html>>> = {
  overview: overviewTab,
  versions: versionsTab,
  gomod: goModTab,
  buildlist: buildListTab,
  importedby: dependentsTab,
  licenses: licensesTab,
  vulnerabilities: vulnerabilitiesTab,
  downloads: downloadsTab,
  provenance: provenanceTab,
};

export const showModule: Show = async (visit) => {
  // pkg.go.dev has the page of a module, as against that of a package, below mod/: links of gopls in go.mod lead there.
  const address = visit.named.address!.replace(/^mod\//, "");
  let shown: ShownVersion;
  try {
    shown = await demandShown(visit, address);
  } catch (error) {
    // gopls links all packages here, Go's own and those of others too.
    const answer = await answerElsewhere(visit, address, error);
    if (!answer) throw error;
    return answer;
  }
  const tab = tabAsked(visit);
  return versionPage(visit, shown, tab, await CONTENTS[tab](visit, shown));
};
