import { invalidRequest } from "rootstock/fields"
import { RuleError } from "rootstock/shared"
import type { Chat } from "../schema.ts"
import type { ChatAccess } from "../services/chat-access.ts"
import type { Context } from "../services/context.ts"
import { accessLife } from "../services/tokens.ts"
import { eventsBehind, type LiveEvent } from "./events.ts"
import type { Hub } from "./hub.ts"
import { Reader, type Token } from "./reader.ts"
import type { Topic } from "./topic.ts"

/** What a reader of a chat is given. */
export type Streamed =
  /** Where the reader stands, who knew of nothing before. */
  | { readonly kind: "position"; readonly seq: number }
  /** What is behind the reader's position is not kept: the messages are to be read anew, and events follow from here on. */
  | { readonly kind: "reset"; readonly seq: number }
  | LiveEvent
  | ({ readonly kind: "token" } & Token)

export type WatchOptions = {
  /** Number of the last event that the reader has. */
  readonly lastEventId: string | undefined
  /** Aborted when the reader goes. */
  readonly signal: AbortSignal
}

/** Chats as people watch them. */
export class ChatStreams {
  readonly #context: Context
  readonly #access: ChatAccess
  readonly #hub: Hub

  constructor(context: Context, access: ChatAccess, hub: Hub) {
    this.#context = context
    this.#access = access
    this.#hub = hub
  }

  /**
   * What happens in a chat behind the last event that the reader has; from here on where there is none. Every event comes
   * once and in order, read from the database when the reader asks for the next. It ends after 15 minutes, as an access
   * token does, and soon after the reader may not read the chat any more.
   *
   * @throws RuleError `NOT_FOUND`, `FORBIDDEN`; `VALIDATION_FAILED` for a last event that is no number
   */
  async watch(chatId: string, { lastEventId, signal }: WatchOptions): Promise<AsyncIterable<Streamed>> {
    const last = numberOf(lastEventId)
    const { chat, me } = await this.#access.enter(chatId)
    const until = this.#context.clock.now().getTime() + accessLife * 1_000
    const position = last === undefined || last > chat.lastSeq ? chat.lastSeq : last
    const reader = new Reader({ user: me, position, until, signal })
    const first = last === undefined ? "position" : last > chat.lastSeq ? "reset" : undefined
    return this.#follow(chat, reader, first)
  }

  async *#follow(chat: Chat, reader: Reader, first: "position" | "reset" | undefined): AsyncGenerator<Streamed> {
    const topic = await this.#hub.join(chat, reader)
    try {
      if (first !== undefined) yield { kind: first, seq: reader.position }
      while (!reader.isOver) {
        if (topic.isBefore(reader.position)) {
          yield* this.#catchUp(topic, reader)
          continue
        }
        const event = topic.behind(reader.position)
        if (event !== undefined) {
          reader.position = event.seq
          yield event
          continue
        }
        const token = reader.hear(topic.said)
        if (token !== undefined) yield { kind: "token", ...token }
        else await reader.wait()
      }
    } finally {
      await this.#hub.leave(topic, reader)
    }
  }

  /** A page of what the reader missed. */
  async *#catchUp(topic: Topic, reader: Reader): AsyncGenerator<Streamed> {
    const { end } = topic
    const page = await eventsBehind(this.#context.stores, topic.chatId, reader.position)
    // Behind the page: what was written after somebody may not read any more is not given out.
    const chat = await this.#entered(topic.chatId)
    if (chat === undefined) return reader.end()
    if (page[0]?.seq !== reader.position + 1) {
      reader.position = Math.max(end, chat.lastSeq)
      yield { kind: "reset", seq: reader.position }
      return
    }
    for (const event of page) {
      if (reader.isOver) return
      reader.position = event.seq
      yield event
    }
  }

  /** The chat, if its reader may still read it. */
  async #entered(chatId: string): Promise<Chat | undefined> {
    try {
      return (await this.#access.enter(chatId)).chat
    } catch (error) {
      if (error instanceof RuleError) return undefined
      throw error
    }
  }
}

function numberOf(id: string | undefined): number | undefined {
  if (id === undefined) return undefined
  if (/^\d{1,15}$/.test(id)) return Number(id)
  throw invalidRequest([{ path: "headers/last-event-id", message: "must be the number of an event" }])
}
