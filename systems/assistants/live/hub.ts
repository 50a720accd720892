import { AsyncLocalStorage } from "node:async_hooks"
import type { Logger } from "rootstock/log"
import { StateStore } from "rootstock/state"
import { longestAnswer } from "../ai/provider.ts"
import type { Chat } from "../schema.ts"
import type { Context } from "../services/context.ts"
import { tenant } from "../tenancy.ts"
import { eventsBehind } from "./events.ts"
import type { Reader, Said } from "./reader.ts"
import { Speech } from "./speech.ts"
import { Topic } from "./topic.ts"

/** How often it is looked whether those who watch still may, and whether a signal was lost, in milliseconds. */
const checkMs = 2_000
/** How long what was said of an answer is shown where nothing follows, in milliseconds. */
const saidMs = 60_000
/** How many chats are read at a time. */
const atOnce = 8

const topicName = (chatId: string): string => `chat:${chatId}`
const saidKey = (chatId: string): string => `live:${chatId}`

type SaidInChat = Readonly<Record<string, Said>>

/**
 * Those who watch chats in this process.
 *
 * Each chat is read once for all who watch it, when something happens there in any process: the library's signals tell
 * other processes. A signal carries no promise, so that every 2 seconds all chats that are watched are looked at by one
 * query, together with the rights of those who watch; nothing is done while nobody watches.
 *
 * What is said of answers in the making is kept in the database for a minute at most, where other processes find it. It is
 * shown as well as possible: the message that follows holds all of it.
 */
export class Hub {
  readonly #stores: Context["stores"]
  readonly #database: Context["database"]
  readonly #clock: Context["clock"]
  readonly #log: Logger
  readonly #states: StateStore<SaidInChat>
  readonly #inOwnContext = AsyncLocalStorage.snapshot()
  readonly #topics = new Map<string, { readonly topic: Topic; readonly stop: Promise<() => Promise<void>> }>()
  readonly #speeches = new Map<string, { readonly chatId: string; readonly speech: Speech }>()
  readonly #toLookAt = new Set<Topic>()
  #looking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ stores, database, clock, log }: Pick<Context, "stores" | "database" | "clock" | "log">) {
    this.#stores = stores
    this.#database = database
    this.#clock = clock
    this.#log = log.named("assistants.live")
    this.#states = new StateStore(database, { clock, maxDataBytes: 1_048_576 })
  }

  /** How many readers there are, of how many chats, and how many events are held for them. */
  get held(): { readonly chats: number; readonly readers: number; readonly events: number } {
    const topics = [...this.#topics.values()].map(({ topic }) => topic)
    return {
      chats: topics.length,
      readers: topics.reduce((sum, { readers }) => sum + readers.size, 0),
      events: topics.reduce((sum, { held }) => sum + held, 0),
    }
  }

  /** Something happened in a chat and is committed: who watches it, in any process, gets it. */
  wake(chatId: string): void {
    const watched = this.#topics.get(chatId)
    if (watched !== undefined) this.#lookAt(watched.topic)
    this.#database.signals.send(topicName(chatId))
  }

  /** Begins to show an answer that is being made to those who watch its chat. */
  speak(chatId: string, runId: string): Speech {
    const speech: Speech = new Speech({
      show: (text) => {
        if (text === undefined) this.#speeches.delete(runId)
        this.#show(chatId, runId, text === undefined ? undefined : { speech: speech.id, text })
      },
      spread: (text) =>
        this.#inOwnContext(() =>
          this.#spread(chatId, runId, text === undefined ? undefined : { speech: speech.id, text }),
        ),
      most: longestAnswer,
    })
    this.#speeches.set(runId, { chatId, speech })
    return speech
  }

  /** Begins to tell a reader of what happens in a chat. What happened before is found by the reader's position. */
  async join(chat: Chat, reader: Reader): Promise<Topic> {
    let watched = this.#topics.get(chat.id)
    if (watched === undefined) {
      const topic = new Topic(chat)
      const stop = this.#inOwnContext(() =>
        this.#database.signals.listen(topicName(chat.id), () => this.#inOwnContext(() => this.#lookAt(topic))),
      )
      watched = { topic, stop }
      this.#topics.set(chat.id, watched)
    }
    const { topic, stop } = watched
    topic.readers.add(reader)
    this.#timer ??= this.#inOwnContext(() => setInterval(() => void this.check(), checkMs).unref())
    await stop
    // What happened between the look at the chat and the first signal.
    this.#lookAt(topic)
    return topic
  }

  /** Tells a reader nothing any more. */
  async leave(topic: Topic, reader: Reader): Promise<void> {
    topic.readers.delete(reader)
    if (topic.readers.size > 0) return
    const watched = this.#topics.get(topic.chatId)
    if (watched?.topic !== topic) return
    this.#topics.delete(topic.chatId)
    if (this.#topics.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    await (await watched.stop)()
  }

  /** Ends the readers who may not watch any more, and looks for what no signal told of. It never rejects. */
  async check(): Promise<void> {
    try {
      await this.#inOwnContext(() => tenant.unbounded(() => this.#checkReaders()))
    } catch (error) {
      this.#report(error)
    }
    for (const { topic } of this.#topics.values()) this.#lookAt(topic)
    await this.#looking
  }

  async #checkReaders(): Promise<void> {
    const readers = [...this.#topics.values()].flatMap(({ topic }) => [...topic.readers])
    const { users, organizations } = this.#stores
    const [knownUsers, knownOrganizations] = await Promise.all([
      users.getMany([...new Set(readers.map(({ userId }) => userId))]),
      organizations.getMany([...new Set(readers.map(({ orgId }) => orgId))]),
    ])
    const userById = new Map(knownUsers.map((user) => [user.id, user]))
    const active = new Set(knownOrganizations.filter(({ isActive }) => isActive).map(({ id }) => id))
    const now = this.#clock.now().getTime()
    for (const reader of readers) reader.know(active.has(reader.orgId) ? userById.get(reader.userId) : undefined, now)
  }

  #lookAt(topic: Topic): void {
    this.#toLookAt.add(topic)
    this.#looking ??= this.#inOwnContext(() => this.#look())
  }

  async #look(): Promise<void> {
    // What is asked for together is looked at together.
    await undefined
    try {
      while (this.#toLookAt.size > 0) {
        const topics = [...this.#toLookAt].filter(({ readers }) => readers.size > 0)
        this.#toLookAt.clear()
        if (topics.length > 0) await this.#read(topics)
      }
    } catch (error) {
      // The next check looks at all of them.
      this.#toLookAt.clear()
      this.#report(error)
    } finally {
      this.#looking = undefined
    }
  }

  async #read(topics: readonly Topic[]): Promise<void> {
    // Before the messages: what was said of an answer ends before its message is there.
    await this.#hear(topics)
    const chats = await tenant.unbounded(() => this.#stores.chats.getMany(topics.map(({ chatId }) => chatId)))
    const byId = new Map(chats.map((chat) => [chat.id, chat]))
    for (let from = 0; from < topics.length; from += atOnce) {
      await Promise.all(topics.slice(from, from + atOnce).map((topic) => this.#advance(topic, byId.get(topic.chatId))))
    }
  }

  async #advance(topic: Topic, chat: Chat | undefined): Promise<void> {
    topic.admit(chat ?? { participants: [] })
    topic.trim()
    if (chat === undefined || chat.lastSeq <= topic.end) return
    // Nothing behind the chat as it was read: who takes part was read with it.
    const page = await tenant.run(topic.orgId, () => eventsBehind(this.#stores, topic.chatId, topic.end, chat.lastSeq))
    topic.take(page, chat.lastSeq)
    if (topic.end < chat.lastSeq) this.#toLookAt.add(topic)
  }

  /** Takes what other processes said of answers. */
  async #hear(topics: readonly Topic[]): Promise<void> {
    const kept = await this.#states.getMany(topics.map(({ chatId }) => saidKey(chatId)))
    for (const [at, topic] of topics.entries()) {
      const said = new Map(Object.entries(kept[at]?.data ?? {}).filter(([runId]) => !this.#speeches.has(runId)))
      for (const [runId, { chatId, speech }] of this.#speeches) {
        if (chatId === topic.chatId && speech.text !== "") said.set(runId, { speech: speech.id, text: speech.text })
      }
      const isNews = said.size > 0
      topic.said = said
      if (isNews) topic.stir()
    }
  }

  /** Shows an answer to those who watch here. */
  #show(chatId: string, runId: string, said: Said | undefined): void {
    const topic = this.#topics.get(chatId)?.topic
    if (topic === undefined) return
    const all = new Map(topic.said)
    if (said === undefined) all.delete(runId)
    else all.set(runId, said)
    topic.said = all
    topic.stir()
  }

  /** Shows an answer to those who watch in other processes. It never rejects. */
  async #spread(chatId: string, runId: string, said: Said | undefined): Promise<void> {
    try {
      await this.#states.update(
        saidKey(chatId),
        ({ data }) => {
          const { [runId]: before, ...others } = data ?? {}
          if (said === undefined && before === undefined) return undefined
          const all = said === undefined ? others : { ...others, [runId]: said }
          return { data: Object.keys(all).length === 0 ? null : all }
        },
        { dataTtlMs: saidMs },
      )
      this.#database.signals.send(topicName(chatId))
    } catch (error) {
      this.#log.warning("An answer in the making could not be shown to other processes", { error, run_id: runId })
    }
  }

  #report(error: unknown): void {
    // Where nobody watches any more, the database may be closed.
    if (this.#topics.size > 0) this.#log.error("What happens in chats could not be read", { error })
  }
}
