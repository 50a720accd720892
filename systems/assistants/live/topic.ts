import type { Chat } from "../schema.ts"
import type { LiveEvent } from "./events.ts"
import type { Reader, Said } from "./reader.ts"

/** The most events that are held when more are read; those who are further behind read the database. */
const mostHeld = 100

/** A chat that somebody watches here. It holds what its readers have yet to be given, two pages of events at most. */
export class Topic {
  readonly chatId: string
  readonly orgId: string
  readonly readers = new Set<Reader>()
  /** What was said of running answers, by run. */
  said: ReadonlyMap<string, Said> = new Map()
  #participants: ReadonlySet<string>
  /** Number of the last event before those that are held. */
  #start: number
  /** Events in order, without a gap. */
  #events: LiveEvent[] = []

  constructor({ id, orgId, lastSeq, participants }: Chat) {
    this.chatId = id
    this.orgId = orgId
    this.#start = lastSeq
    this.#participants = new Set(participants)
  }

  /** Number of the last event that is known here. */
  get end(): number {
    return this.#start + this.#events.length
  }

  /** How many events are held. */
  get held(): number {
    return this.#events.length
  }

  /** Whether the event behind a number is none that is held, but one before them. */
  isBefore(position: number): boolean {
    return position < this.#start
  }

  /** The event behind a number, if it is held. */
  behind(position: number): LiveEvent | undefined {
    return this.#events[position - this.#start]
  }

  /** Ends those readers who may not read the chat any more. */
  admit({ participants }: Pick<Chat, "participants">): void {
    this.#participants = new Set(participants)
    for (const reader of this.readers) {
      if (!reader.isAdmin && !this.#participants.has(reader.userId)) reader.end()
    }
  }

  /**
   * Takes a page of events that follow the last one.
   *
   * @param last number of the chat's last event, for where the page is empty
   */
  take(page: readonly LiveEvent[], last: number): void {
    this.trim()
    const [first] = page
    // Where a message changed, what is held shows it as it was: whoever is behind reads the database.
    const isGrowth = first?.seq === this.end + 1 && page.every(({ kind }) => kind === "created")
    if (!isGrowth) {
      this.#start = first === undefined ? last : first.seq - 1
      this.#events = []
    }
    this.#events.push(...page)
    const runs = new Set(page.map(({ message }) => message.runId))
    this.said = new Map([...this.said].filter(([runId]) => !runs.has(runId)))
    this.stir()
  }

  /** Drops the events that all readers have, and all but the newest page of them. */
  trim(): void {
    let least = this.end
    for (const { position } of this.readers) if (position < least) least = position
    const most = Math.max(least - this.#start, this.#events.length - mostHeld)
    if (most > 0) {
      this.#events.splice(0, most)
      this.#start += most
    }
  }

  /** Tells all readers that there is something to look at. */
  stir(): void {
    for (const reader of this.readers) reader.stir()
  }
}
