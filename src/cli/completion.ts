// gokura completion: what a shell must know to complete our words. The script is made of the commands themselves and holds
// all of them, so that completing asks nobody and is at once: for each place in the tree of commands the words that may
// follow. A place is written as the words that lead there, " project create", and "" is the top.
import { Argument, type Command } from "commander";
import { PRODUCT_VERSION } from "../config.ts";
import { printJson } from "./output.ts";

interface Word {
  readonly word: string;
  readonly description: string;
  /** Whether something follows it that is no word of ours. */
  readonly takesValue: boolean;
}

/** The words that may stand at each place. */
type Places = ReadonlyMap<string, readonly Word[]>;

const SHELLS: Readonly<Record<string, (places: Places) => string>> = { bash, zsh, fish };

export function addCompletionCommand(program: Command): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "whose words are completed").choices(Object.keys(SHELLS)))
    .description("print a script with which a shell completes the words of gokura")
    .option("--json", "print JSON for programs: the words of each place")
    .addHelpText(
      "after",
      `
bash: source <(gokura completion bash)
zsh:  source <(gokura completion zsh), after compinit
fish: gokura completion fish > ~/.config/fish/completions/gokura.fish
Example: gokura completion bash`,
    )
    .action((shell: string, { json = false }) => {
      const places = placesOf(program);
      if (json) printJson(Object.fromEntries(places));
      else console.log(`# Completions of gokura ${PRODUCT_VERSION} for ${shell}.\n${SHELLS[shell]!(places)}`);
    });
}

function placesOf(program: Command): Places {
  const places = new Map<string, Word[]>();
  const visit = (command: Command, place: string): void => {
    const help = command.createHelp();
    const words = [
      ...command.commands.map((child) => ({ word: child.name(), description: child.description(), takesValue: false })),
      ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
        argChoices.map((word) => ({ word, description, takesValue: false })),
      ),
      ...help.visibleOptions(command).map((option) => ({
        word: option.long!,
        description: option.description,
        takesValue: option.required || option.optional,
      })),
    ];
    places.set(place, words);
    for (const child of command.commands) visit(child, `${place} ${child.name()}`);
  };
  visit(program, "");
  return places;
}

/** In single quotes, as all three shells read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "’")}'`;

const placesBelow = (places: Places): string[] => [...places.keys()].filter((place) => place !== "");

function bash(places: Places): string {
  return `_gokura() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
      ${placesBelow(places).map(quoted).join("|")}) place="$place $word" ;;
    esac
  done
  case "$place" in
${[...places].map(([place, words]) => `    ${quoted(place)}) words=${quoted(words.map(({ word }) => word).join(" "))} ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _gokura gokura`;
}

function zsh(places: Places): string {
  const described = ({ word, description }: Word): string => quoted(`${word}:${description.replaceAll(":", "\\:")}`);
  return `#compdef gokura
_gokura() {
  local place="" word
  local -a candidates
  for word in \${words[2,CURRENT-1]}; do
    case "$place $word" in
      (${placesBelow(places).map(quoted).join("|")}) place="$place $word" ;;
    esac
  done
  case "$place" in
${[...places].map(([place, words]) => `    (${quoted(place)}) candidates=(${words.map(described).join(" ")}) ;;`).join("\n")}
  esac
  _describe gokura candidates
}
compdef _gokura gokura`;
}

function fish(places: Places): string {
  const line = (place: string, { word, description, takesValue }: Word): string => {
    const what = word.startsWith("--") ? `-l ${word.slice(2)}${takesValue ? " -r" : ""}` : `-a ${word}`;
    return `complete -c gokura -n ${quoted(`__gokura_is_at "${place}"`)} ${what} -d ${quoted(description)}`;
  };
  return `function __gokura_is_at
  set -l place ""
  for word in (commandline -opc)[2..-1]
    switch "$place $word"
      case ${placesBelow(places).map(quoted).join(" ")}
        set place "$place $word"
    end
  end
  test "$place" = "$argv[1]"
end
complete -c gokura -f
${[...places].flatMap(([place, words]) => words.map((word) => line(place, word))).join("\n")}`;
}
