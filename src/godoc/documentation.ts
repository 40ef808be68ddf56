// What the documentation of a package is: plain data, in the order in which go/doc has it, small enough to keep. Texts of
// comments stay as they were written (without markers); what their links mean is worked out when they are shown
// (comment/names-in-scope.ts), so that one record serves pages, the API of pkg.go.dev and comparisons.

/** A system that packages are built for, in the words of GOOS and GOARCH. */
export interface BuildContext {
  readonly goos: string;
  readonly goarch: string;
}

/** A group of constants or variables. */
export interface ValueDoc {
  readonly doc: string;
  /** The exported ones; declared in this order. */
  readonly names: readonly string[];
  /** The declaration as Go shows it: without what is not exported. */
  readonly text: string;
  readonly source: SourcePlace;
}

/** A function or method. */
export interface FuncDoc {
  readonly name: string;
  readonly doc: string;
  /** `T`, `*T` or `T[K]` of a method. */
  readonly recv?: string;
  /** Of a method that came from an embedded type: how deep that is. */
  readonly level?: number;
  readonly text: string;
  readonly source: SourcePlace;
  readonly examples?: readonly ExampleDoc[];
}

/** A field of a struct, or a method of an interface. */
export interface MemberDoc {
  readonly name: string;
  readonly kind: "field" | "method";
  /** In one line. */
  readonly text: string;
}

export interface TypeDoc {
  readonly name: string;
  readonly doc: string;
  readonly text: string;
  readonly source: SourcePlace;
  readonly consts: readonly ValueDoc[];
  readonly vars: readonly ValueDoc[];
  /** That make one. */
  readonly funcs: readonly FuncDoc[];
  readonly methods: readonly FuncDoc[];
  /** The exported ones, as they are declared. */
  readonly members: readonly MemberDoc[];
  readonly examples?: readonly ExampleDoc[];
}

export interface ExampleDoc {
  /** What it is an example of with its suffix, as behind `Example`. */
  readonly name: string;
  /** Without `_`; "" for none. */
  readonly suffix: string;
  readonly doc: string;
  readonly code: string;
  readonly output: string;
  readonly unordered: boolean;
}

/** `BUG(who): what` and the like. */
export interface NoteDoc {
  readonly marker: string;
  readonly uid: string;
  readonly body: string;
}

/** A place in the package's directory. */
export interface SourcePlace {
  readonly file: string;
  /** The first is 1. */
  readonly line: number;
}

/** A package as it is on some systems. */
export interface PackageDoc {
  readonly name: string;
  readonly doc: string;
  readonly synopsis: string;
  /** Import paths of what it imports, sorted. */
  readonly imports: readonly string[];
  /** What its files call these, where one name means one path. */
  readonly importNames: Readonly<Record<string, string>>;
  readonly consts: readonly ValueDoc[];
  readonly vars: readonly ValueDoc[];
  readonly funcs: readonly FuncDoc[];
  readonly types: readonly TypeDoc[];
  readonly examples: readonly ExampleDoc[];
  readonly notes: readonly NoteDoc[];
  /** File names, without tests. */
  readonly files: readonly string[];
}

/** A file that could not be read whole, and why, in words for people. */
export interface SourceProblem {
  readonly file: string;
  readonly problem: string;
}

/** The problem of a file that was given up. */
export const TOO_MUCH = "takes too much to parse and was not read";

/** The documentation of the package in one directory. */
export interface PackageDocumentation {
  readonly name: string;
  readonly synopsis: string;
  readonly imports: readonly string[];
  /** One for each set of files that the systems have; the first is what is shown unless somebody asks for another. */
  readonly builds: readonly {
    /** Empty: all systems. */
    readonly contexts: readonly BuildContext[];
    readonly doc: PackageDoc;
  }[];
  readonly problems: readonly SourceProblem[];
}
