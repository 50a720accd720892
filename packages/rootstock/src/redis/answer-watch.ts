/** Parts into which the deadline is cut; a call is late one part after as many have passed. */
const parts = 4

/**
 * Watches that calls which are answered in their order are answered in time.
 *
 * It counts beats of a timer and not the time itself: a process that was stopped, or whose event loop was blocked, sees
 * one beat for the whole pause, and so never blames the server for it.
 */
export class AnswerWatch {
  readonly #beatMs: number
  readonly #late: () => void
  /** Calls that had begun at each of the last beats. */
  readonly #begun = new Array<number>(parts).fill(0)
  #beats = 0
  #calls = 0
  #answers = 0
  #timer: NodeJS.Timeout | undefined

  /**
   * @param deadlineMs longest time for an answer
   * @param late called once, when an answer is late
   */
  constructor(deadlineMs: number, late: () => void) {
    this.#beatMs = deadlineMs / (parts + 1)
    this.#late = late
  }

  begin(): void {
    this.#calls++
    if (this.#timer !== undefined) return
    this.#begun.fill(this.#answers)
    this.#timer = setTimeout(() => this.#beat(), this.#beatMs)
  }

  end(): void {
    this.#answers++
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #beat(): void {
    const at = this.#beats++ % parts
    const before = this.#begun[at] as number
    this.#begun[at] = this.#calls
    if (this.#answers < before) {
      this.stop()
      this.#late()
    } else if (this.#answers < this.#calls) this.#timer?.refresh()
    else this.stop()
  }
}
