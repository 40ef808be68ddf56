// Which address is which page. The first pattern that fits decides; parts with a name are decoded and given to the page. A
// page is loaded when it is first asked for. Projects come last, because their paths may be anything that is left.
import type { Show } from "./html/visit.ts";

interface Route {
  readonly pattern: RegExp;
  /** Whether it is for programs too, such as feeds, images and the files of browsers: whatever Accept says. */
  readonly anyClient?: true;
  /** Whether its form changes nothing but the session, so that a token for reading will do. */
  readonly anyScope?: true;
  /** Whether what packages say stands in it: that is got ready while the rest is looked up. */
  readonly documents?: true;
  readonly get?: () => Promise<Show>;
  readonly post?: () => Promise<Show>;
}

/** A page that was found, with what its address says. */
export interface FoundRoute {
  readonly named: Readonly<Record<string, string>>;
  readonly anyClient: boolean;
  readonly anyScope: boolean;
  readonly documents: boolean;
  readonly load: (() => Promise<Show>) | undefined;
}

const atom = () => import("./feeds/atom.ts");
const groups = () => import("./forge/groups.ts");
const group = () => import("./forge/group.ts");
const project = () => import("./forge/project.ts");
const projectSettings = () => import("./settings/project.ts");
const groupSettings = () => import("./settings/group.ts");
const deployTokens = () => import("./settings/deploy-tokens.ts");
const trusts = () => import("./settings/trusts.ts");
const hooks = () => import("./settings/hooks.ts");
const policies = () => import("./settings/policies.ts");
const advisories = () => import("./settings/advisories.ts");
const mirror = () => import("./settings/mirror.ts");
const protectedTags = () => import("./settings/protected-tags.ts");
const refs = () => import("./forge/refs.ts");
const commit = () => import("./forge/commit.ts");
const account = () => import("./account/tokens.ts");
const admin = () => import("./administration/lists.ts");
const adminForge = () => import("./administration/forge.ts");
const gitlab = () => import("./start/gitlab.ts");
const signIn = () => import("./session/sign-in.ts");
const signInProvider = () => import("./session/provider.ts");

const ROUTES: readonly Route[] = [
  {
    pattern: /^\/-\/assets\/(?<hash>[^/]+)\/(?<name>[^/]+)$/,
    anyClient: true,
    get: async () => (await import("./html/assets.ts")).showAsset,
  },
  { pattern: /^\/robots\.txt$/, anyClient: true, get: async () => (await import("./start/robots.ts")).showRobots },
  { pattern: /^\/$/, get: async () => (await import("./start/home.ts")).showHome },
  { pattern: /^\/-\/search$/, get: async () => (await import("./start/search.ts")).showSearch },
  { pattern: /^\/-\/symbols$/, get: async () => (await import("./modules/symbols-page.ts")).showSymbols },
  { pattern: /^\/-\/help$/, get: async () => (await import("./start/help.ts")).showHelp },
  { pattern: /^\/-\/set-up$/, get: async () => (await import("./start/set-up.ts")).showSetUp },
  {
    pattern: /^\/-\/sign-in$/,
    anyScope: true,
    get: async () => (await signIn()).showSignIn,
    post: async () => (await signIn()).signIn,
  },
  { pattern: /^\/-\/sign-in\/provider$/, get: async () => (await signInProvider()).beginAtProvider },
  { pattern: /^\/-\/sign-in\/provider\/callback$/, get: async () => (await signInProvider()).returnFromProvider },
  { pattern: /^\/-\/sign-out$/, anyScope: true, post: async () => (await signIn()).signOut },
  {
    pattern: /^\/-\/versions\.atom$/,
    anyClient: true,
    get: async () => (await atom()).showAllVersions,
  },
  {
    pattern: /^\/-\/go\/(?<path>.+)\.atom$/,
    anyClient: true,
    get: async () => (await atom()).showModuleFeed,
  },
  {
    pattern: /^\/(?<path>[^-](?:(?!\/-\/).)*)\.atom$/,
    anyClient: true,
    get: async () => (await atom()).showPathFeed,
  },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/badges\/version\.svg$/,
    anyClient: true,
    get: async () => (await import("./feeds/badge.ts")).showVersionBadge,
  },
  {
    pattern: /^\/-\/user_settings\/personal_access_tokens$/,
    get: async () => (await account()).showTokens,
    post: async () => (await account()).changeTokens,
  },
  { pattern: /^\/admin$/, get: async () => (await import("./administration/overview.ts")).showOverview },
  {
    pattern: /^\/admin\/users$/,
    get: async () => (await import("./administration/users.ts")).showUsers,
    post: async () => (await import("./administration/users.ts")).changeUsers,
  },
  {
    pattern: /^\/admin\/tokens$/,
    get: async () => (await import("./administration/tokens.ts")).showAllTokens,
    post: async () => (await import("./administration/tokens.ts")).changeAllTokens,
  },
  {
    pattern: /^\/admin\/feature_flags$/,
    get: async () => (await import("./administration/flags.ts")).showFlags,
    post: async () => (await import("./administration/flags.ts")).changeFlags,
  },
  { pattern: /^\/admin\/module_prefixes$/, get: async () => (await admin()).showPrefixes },
  { pattern: /^\/admin\/upstreams$/, get: async () => (await admin()).showUpstreams },
  {
    pattern: /^\/admin\/jobs$/,
    get: async () => (await admin()).showJobs,
    post: async () => (await admin()).changeJobs,
  },
  { pattern: /^\/admin\/rejected_tags$/, get: async () => (await admin()).showAllRejectedTags },
  { pattern: /^\/admin\/groups$/, get: async () => (await adminForge()).showAllGroups },
  { pattern: /^\/admin\/mirrors$/, get: async () => (await adminForge()).showMirrors },
  {
    pattern: /^\/admin\/hooks$/,
    get: async () => (await hooks()).showHooks,
    post: async () => (await hooks()).changeHooks,
  },
  {
    pattern: /^\/admin\/hooks\/(?<id>\d+)$/,
    get: async () => (await hooks()).showHook,
    post: async () => (await hooks()).changeHook,
  },
  {
    pattern: /^\/(?:admin\/policies|groups\/(?<group>.+?)\/-\/policies)$/,
    get: async () => (await policies()).showPolicies,
    post: async () => (await policies()).changePolicies,
  },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/advisories$/,
    get: async () => (await advisories()).showAdvisories,
    post: async () => (await advisories()).changeAdvisories,
  },
  { pattern: /^\/admin\/audit$/, get: async () => (await admin()).showAudit },
  {
    pattern: /^\/-\/raw\/(?<address>.+)$/,
    anyClient: true,
    get: async () => (await import("./modules/raw-file.ts")).showRawFile,
  },
  {
    pattern: /^\/-\/zip\/(?<address>.+)$/,
    anyClient: true,
    get: async () => (await import("./modules/chosen-files.ts")).showChosenFiles,
  },
  {
    pattern: /^\/-\/src\/(?<address>.+)$/,
    get: async () => (await import("./modules/files-page.ts")).showFiles,
  },
  {
    pattern: /^\/-\/diff\/(?<module>.+?)@(?<from>[^@]+?)\.\.\.(?<to>[^@]+)$/,
    get: async () => (await import("./modules/diff-page.ts")).showDiff,
  },
  {
    pattern: /^\/-\/go\/(?<address>.+)$/,
    documents: true,
    get: async () => (await import("./modules/module-page.ts")).showModule,
  },
  {
    pattern: /^\/-\/groups$/,
    get: async () => (await groups()).showGroups,
    post: async () => (await groups()).makeGroup,
  },
  {
    pattern: /^\/-\/projects$/,
    get: async () => (await groups()).showProjects,
    post: async () => (await groups()).makeProject,
  },
  { pattern: /^\/groups\/(?<group>.+?)\/-\/packages$/, get: async () => (await group()).showGroupPackages },
  {
    pattern: /^\/groups\/(?<group>.+?)\/-\/group_members$/,
    get: async () => (await group()).showGroupMembers,
    post: async () => (await group()).changeGroupMembers,
  },
  {
    pattern: /^\/groups\/(?<group>.+?)\/-\/edit$/,
    get: async () => (await groupSettings()).showGroupSettings,
    post: async () => (await groupSettings()).changeGroup,
  },
  {
    pattern: /^\/(?:groups\/(?<group>.+?)|(?<project>[^-].*?))\/-\/deploy_tokens$/,
    get: async () => (await deployTokens()).showDeployTokens,
    post: async () => (await deployTokens()).changeDeployTokens,
  },
  {
    pattern: /^\/(?:groups\/(?<group>.+?)|(?<project>[^-].*?))\/-\/trusts$/,
    get: async () => (await trusts()).showTrusts,
    post: async () => (await trusts()).changeTrusts,
  },
  {
    pattern: /^\/(?:groups\/(?<group>.+?)|(?<project>[^-].*?))\/-\/hooks$/,
    get: async () => (await hooks()).showHooks,
    post: async () => (await hooks()).changeHooks,
  },
  {
    pattern: /^\/(?:groups\/(?<group>.+?)|(?<project>[^-].*?))\/-\/hooks\/(?<id>\d+)$/,
    get: async () => (await hooks()).showHook,
    post: async () => (await hooks()).changeHook,
  },
  { pattern: /^\/groups\/(?<group>(?:(?!\/-\/).)+)$/, get: async () => (await group()).showGroup },
  { pattern: /^\/(?<project>[^-].*?)\/-\/packages$/, get: async () => (await project()).showProjectPackages },
  { pattern: /^\/(?<project>[^-].*?)\/-\/packages\/(?<id>\d+)$/, get: async () => (await commit()).showPackage },
  { pattern: /^\/(?<project>[^-].*?)\/-\/branches$/, get: async () => (await refs()).showBranches },
  { pattern: /^\/(?<project>[^-].*?)\/-\/tags$/, get: async () => (await refs()).showTags },
  { pattern: /^\/(?<project>[^-].*?)\/-\/rejected_tags$/, get: async () => (await refs()).showRejectedTags },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/project_members$/,
    get: async () => (await project()).showProjectMembers,
    post: async () => (await project()).changeProjectMembers,
  },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/(?:edit|settings)$/,
    get: async () => (await projectSettings()).showProjectSettings,
    post: async () => (await projectSettings()).changeProjectSettings,
  },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/mirror$/,
    get: async () => (await mirror()).showMirror,
    post: async () => (await mirror()).changeMirror,
  },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/protected_tags$/,
    get: async () => (await protectedTags()).showProtectedTags,
    post: async () => (await protectedTags()).changeProtectedTags,
  },
  { pattern: /^\/(?<project>[^-].*?)\/-\/commit\/(?<sha>.+)$/, get: async () => (await commit()).showCommit },
  { pattern: /^\/(?<project>[^-].*?)\/-\/(?:tree|blob)\/(?<rest>.+)$/, get: async () => (await commit()).showTree },
  {
    pattern: /^\/(?<project>[^-].*?)\/-\/compare\/(?<from>.+?)\.{2,3}(?<to>.+)$/,
    get: async () => (await commit()).showCompare,
  },
  // GitLab's own addresses for what stands elsewhere here.
  { pattern: /^\/users\/sign_in$/, get: async () => (await gitlab()).toSignIn },
  {
    pattern: /^\/-\/(?:profile|user_settings|profile\/personal_access_tokens)$/,
    get: async () => (await gitlab()).toTokens,
  },
  { pattern: /^\/explore\/groups$|^\/groups$/, get: async () => (await gitlab()).toGroups },
  { pattern: /^\/explore(?:\/projects)?$|^\/projects$/, get: async () => (await gitlab()).toProjects },
  { pattern: /^\/(?<project>[^-].*?)\/-\/tags\/(?<ref>.+)$/, get: async () => (await gitlab()).toTree },
  { pattern: /^\/(?<project>[^-].*?)\/-\/commits\/(?<ref>.+)$/, get: async () => (await gitlab()).toCommit },
  { pattern: /^\/(?<project>[^-].*?)\/-\/releases(?:\/.*)?$/, get: async () => (await gitlab()).toTags },
  {
    pattern: /^\/(?:groups\/(?<group>.+?)|(?<project>[^-].*?))\/-\/settings\/(?<part>\w+)$/,
    get: async () => (await gitlab()).toSettings,
  },
  {
    pattern: /^\/(?<path>(?!-\/|admin(?:\/|$))(?:(?!\/-\/).)+)$/,
    get: async () => (await import("./forge/by-path.ts")).showByPath,
  },
];

/** The page at an address; undefined if there is none. `path` begins with a slash, and is as it was sent. */
export function findRoute(path: string, method: string): FoundRoute | undefined {
  for (const { pattern, anyClient = false, anyScope = false, documents = false, get, post } of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    const named: Record<string, string> = {};
    for (const [name, text] of Object.entries(match.groups ?? {})) {
      if (text === undefined) continue; // of another alternative
      const plain = decoded(text);
      if (plain === undefined) return undefined;
      named[name] = plain;
    }
    return {
      named,
      anyClient,
      anyScope,
      documents,
      load: method === "POST" ? post : method === "GET" || method === "HEAD" ? get : undefined,
    };
  }
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text);
    return plain.includes("\0") ? undefined : plain;
  } catch {
    return undefined;
  }
}
