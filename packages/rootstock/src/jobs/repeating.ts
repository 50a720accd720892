/** Does something again and again, one after another, until it is stopped. */
export class Repeating {
  readonly #intervalMs: number
  readonly #work: (signal: AbortSignal) => Promise<unknown>
  readonly #report: (error: unknown) => void
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  /** @param intervalMs from the end of one to the start of the next */
  constructor(intervalMs: number, work: (signal: AbortSignal) => Promise<unknown>, report: (error: unknown) => void) {
    this.#intervalMs = intervalMs
    this.#work = work
    this.#report = report
  }

  /** Begins with the first one at once. */
  start(): void {
    if (this.#controller !== undefined) return
    const controller = new AbortController()
    this.#controller = controller
    this.#running = this.#run(controller)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#controller?.abort()
    this.#controller = undefined
    await this.#running
  }

  async #run(controller: AbortController): Promise<void> {
    try {
      await this.#work(controller.signal)
    } catch (error) {
      this.#report(error)
    }
    if (controller.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#running = this.#run(controller)
    }, this.#intervalMs)
  }
}
