/** How often what is said becomes known to other processes, in milliseconds. */
const spreadMs = 250

export type SpeechOptions = {
  /** Shows the text so far to those who watch here; nothing where it has ended. */
  readonly show: (text: string | undefined) => void
  /** Shows it to those who watch elsewhere. */
  readonly spread: (text: string | undefined) => Promise<void>
  /** The most UTF-16 units that are shown. */
  readonly most: number
}

/** An answer that is being made, as those see it who watch the chat: at once in this process, elsewhere a little later. */
export class Speech {
  /** Which try to make the answer it is. */
  readonly id = crypto.randomUUID()
  readonly #options: SpeechOptions
  #text = ""
  #timer: NodeJS.Timeout | undefined
  #spreading: Promise<void> | undefined
  #isOver = false

  constructor(options: SpeechOptions) {
    this.#options = options
  }

  get text(): string {
    return this.#text
  }

  /** Goes on with a piece of the answer. */
  say(piece: string): void {
    const { most, show } = this.#options
    if (this.#isOver || this.#text.length >= most) return
    this.#text = (this.#text + piece).slice(0, most)
    show(this.#text)
    this.#timer ??= setTimeout(() => {
      this.#spreading = this.#spread()
    }, spreadMs).unref()
  }

  async #spread(): Promise<void> {
    await this.#options.spread(this.#text)
    this.#timer = undefined
  }

  /** Nobody is shown it any more: the message is to come, or another try. */
  async end(): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#options.show(undefined)
    await this.#spreading
    // Even where nothing was spread: a process that was killed may have left what it said of the answer.
    await this.#options.spread(undefined)
  }
}
