import { isFrozenDeep } from "../cache/index.ts"

/** The most characters of texts that a generation has. */
const mostCharacters = 4_194_304

/**
 * Answers as texts, by the values that they were made of. Values that can never change, as those of caches, are written once
 * and not at every request. What was not asked for in a while is let go: two generations are kept, of bounded size.
 */
export class AnswerTexts {
  #young = new WeakMap<object, string>()
  #old = new WeakMap<object, string>()
  #characters = 0

  /** The text of a value, made by `write` where it is not known; undefined for a value that may change. */
  of(value: unknown, write: (value: unknown) => string): string | undefined {
    if (typeof value !== "object" || value === null || !Object.isFrozen(value)) return undefined
    const kept = this.#young.get(value)
    if (kept !== undefined) return kept
    const earlier = this.#old.get(value)
    if (earlier === undefined && !isFrozenDeep(value)) return undefined
    const text = earlier ?? write(value)
    this.#characters += text.length
    if (this.#characters > mostCharacters) {
      this.#old = this.#young
      this.#young = new WeakMap()
      this.#characters = text.length
    }
    this.#young.set(value, text)
    return text
  }
}
