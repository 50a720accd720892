/** From one look for what nobody knows to the next, in milliseconds: twice as long each time. */
const firstPauseMs = 1_000
const longestPauseMs = 60_000

/**
 * Whether jobs may be held in a worker's name of which the worker does not know: a statement that takes some was not answered.
 *
 * Such a statement may still be carried out after somebody has looked what it did, however late, if it lies with a server that
 * hangs. So once there was a doubt, it comes again and again, ever more rarely.
 */
export class Doubt {
  readonly #again: () => void
  #raised = 0
  #cleared = 0
  #pauseMs = firstPauseMs
  #timer: NodeJS.Timeout | undefined

  /** @param again called when it has come again by itself */
  constructor(again: () => void) {
    this.#again = again
  }

  /** A statement was not answered. */
  raise(): void {
    this.#raised++
    this.#pauseMs = firstPauseMs
  }

  /** It is to be looked for what nobody knows. */
  get open(): boolean {
    return this.#raised > this.#cleared
  }

  /** @param giveBack looks, and gives back what nobody knows; what is raised meanwhile stays open */
  async clear(giveBack: () => Promise<void>): Promise<void> {
    const raised = this.#raised
    clearTimeout(this.#timer)
    await giveBack()
    this.#cleared = raised
    this.#timer = setTimeout(() => {
      this.#raised++
      this.#again()
    }, this.#pauseMs)
    this.#timer.unref()
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
  }

  /** It does not come again. */
  end(): void {
    clearTimeout(this.#timer)
  }
}
