// When what a project or a module serves has changed last, so that an answer that was made before is known to be old. Projects
// are few, but every module that comes from upstream changes once at the least, for the life of a server: so only so many are
// remembered one by one. When there are more, all of them are taken to have changed, once, and remembering begins anew: an
// answer too many is worked out again, none is given that is old.

/** So many are remembered one by one. */
export const MAX_CHANGED = 20_000;

/** Whose content it is: a project's, by its number, or a module's from upstream, by its path. */
export type ContentOf = number | string;

export class ContentChanges {
  readonly #last = new Map<ContentOf, number>();
  #serial = 0;
  /** What holds for all that are not remembered. */
  #ofOthers = 0;

  /** How many are remembered one by one: at most MAX_CHANGED. */
  get size(): number {
    return this.#last.size;
  }

  /** The number of the last change: another one than before whenever the content may be another one. */
  last(content: ContentOf): number {
    return this.#last.get(content) ?? this.#ofOthers;
  }

  /** Something has changed. */
  changed(content: ContentOf): void {
    if (this.#last.size >= MAX_CHANGED && !this.#last.has(content)) this.allChanged();
    else this.#last.set(content, ++this.#serial);
  }

  /** Everything may have changed. */
  allChanged(): void {
    this.#last.clear();
    this.#ofOthers = ++this.#serial;
  }
}
