import { once } from "node:events"
import { get, type IncomingMessage } from "node:http"
import type { Person } from "./fixtures.ts"

/** An event as the client of a stream has it. */
export type Received = { event: string; id: string | undefined; data: any }

/** Who watches a chat by server-sent events, as a browser does: what it has got is kept when it connects anew. */
export class StreamReader implements AsyncDisposable {
  readonly received: Received[] = []
  /** What the client sends back when it connects anew. */
  lastEventId: string | undefined
  /** Status of the last answer. */
  status: number | undefined
  readonly #chatId: string
  readonly #person: Person
  #response: IncomingMessage | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #onNews: (() => void)[] = []

  constructor(chatId: string, person: Person, lastEventId?: string | number) {
    this.#chatId = chatId
    this.#person = person
    this.lastEventId = lastEventId === undefined ? undefined : String(lastEventId)
  }

  /** Connects to a server, and waits until the head of its answer is there. */
  async connect(address: string): Promise<this> {
    const headers = { authorization: `Bearer ${this.#person.token}` }
    const request = get(new URL(`/chats/${this.#chatId}/stream`, address), {
      agent: false,
      headers: this.lastEventId === undefined ? headers : { ...headers, "last-event-id": this.lastEventId },
    })
    const [response] = (await once(request, "response")) as [IncomingMessage]
    this.#response = response
    this.status = response.statusCode
    let text = ""
    response.setEncoding("utf8").on("data", (chunk: string) => {
      if (response !== this.#response) return
      text += chunk
      const blocks = text.split("\n\n")
      text = blocks.pop() as string
      for (const block of blocks) this.#take(block)
    })
    // A server that is killed cuts the answer.
    response.on("error", () => undefined)
    this.#ended = new Promise((resolve) => response.once("close", resolve))
    return this
  }

  #take(block: string): void {
    const fields = new Map(
      block.split("\n").map((line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1).trim()]),
    )
    const id = fields.get("id")
    if (id !== undefined) this.lastEventId = id
    const data = fields.get("data")
    if (data !== undefined) this.received.push({ event: fields.get("event") ?? "message", id, data: JSON.parse(data) })
    for (const tell of this.#onNews.splice(0)) tell()
  }

  /** Reads nothing for a while; `resume` goes on. */
  pause(): void {
    this.#response?.pause()
  }

  resume(): void {
    this.#response?.resume()
  }

  /** Waits until something is so of what was received; the test's own limit ends it otherwise. */
  async until(holds: (received: readonly Received[]) => boolean): Promise<readonly Received[]> {
    while (!holds(this.received)) await new Promise<void>((resolve) => this.#onNews.push(resolve))
    return this.received
  }

  /** Waits until the client knows of an event with this number. */
  async untilId(id: string | number): Promise<readonly Received[]> {
    while (this.lastEventId !== String(id)) await new Promise<void>((resolve) => this.#onNews.push(resolve))
    return this.received
  }

  /** Waits until the server ends the stream. */
  async ended(): Promise<void> {
    await this.#ended
  }

  /** Goes away without a word. */
  async disconnect(): Promise<void> {
    const response = this.#response
    this.#response = undefined
    response?.destroy()
    await this.#ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect()
  }
}
