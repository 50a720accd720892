import type { ServerResponse } from "node:http"
import type { FastifyReply } from "fastify"
import type { Logger } from "../log/index.ts"
import { withRequestScope } from "../storage/index.ts"

/** An event of a stream. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export type StreamEvent = {
  /** Its type; `message` for the client where there is none. One line. */
  readonly event?: string | undefined
  /** What the client sends back as `Last-Event-ID` when it connects anew. One line, without U+0000. */
  readonly id?: string | undefined
  /**
   * Text of any number of lines. Without it the client dispatches no event, and only keeps the id: where it stands before
   * anything has happened.
   */
  readonly data?: string | undefined
}

/** Runs something again and again; gives what ends that. */
export type Ticker = (tick: () => void) => () => void

/** Between comments that keep proxies and clients from taking a quiet stream for a dead one, in milliseconds. */
const heartbeatInterval = 15_000
/** How long `stop` waits for what gave the events to clean up, in milliseconds. */
const cleanUpPatience = 1_000

const everyHeartbeat: Ticker = (tick) => {
  const timer = setInterval(tick, heartbeatInterval).unref()
  return () => clearInterval(timer)
}

type OpenStream = { end(): void; readonly ended: Promise<void> }

/** The event streams of a server: each is sent as fast as its reader takes it, and all end when the server stops. */
export class EventStreams {
  readonly #log: Logger
  readonly #heartbeat: Ticker
  readonly #open = new Set<OpenStream>()
  #stopping = false

  constructor(log: Logger, heartbeat: Ticker = everyHeartbeat) {
    this.#log = log
    this.#heartbeat = heartbeat
  }

  /**
   * Answers with the events that `open` gives, until they end, the client goes, or the server stops. An event is only
   * asked for when the one before it left the server's buffer.
   *
   * @throws what `open` throws, before anything was sent
   */
  async send(reply: FastifyReply, open: (signal: AbortSignal) => Promise<AsyncIterable<StreamEvent>>): Promise<void> {
    const { raw } = reply
    const controller = new AbortController()
    const done = Promise.withResolvers<void>()
    const stream = { end: () => controller.abort(), ended: done.promise }
    this.#open.add(stream)
    raw.once("close", stream.end)
    if (this.#stopping) stream.end()
    try {
      const events = await open(controller.signal)
      reply.hijack()
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
      })
      raw.flushHeaders()
      await this.#write(raw, events[Symbol.asyncIterator](), controller.signal)
    } finally {
      raw.off("close", stream.end)
      this.#open.delete(stream)
      done.resolve()
    }
  }

  /** Ends all streams, and those that begin from here on at once. */
  async stop(): Promise<void> {
    this.#stopping = true
    const streams = [...this.#open]
    for (const { end } of streams) end()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#log.warning("A stream did not end in time: what gives its events does not watch the signal")
        resolve()
      }, cleanUpPatience)
    })
    await Promise.race([Promise.all(streams.map(({ ended }) => ended)), late])
    clearTimeout(timer)
  }

  async #write(raw: ServerResponse, iterator: AsyncIterator<StreamEvent>, signal: AbortSignal): Promise<void> {
    const untilEnd = waitOn(signal)
    const rest = this.#heartbeat(() => {
      if (!raw.writableNeedDrain && raw.writable) raw.write(":\n\n")
    })
    try {
      while (!signal.aborted) {
        const next = await untilEnd(withRequestScope(() => iterator.next()))
        if (next === aborted || next.done === true) break
        // As bytes: of a string, Node counts the bytes to say that it is too much and the characters to say when it is gone,
        // so that the end of a wait for texts that are not in ASCII may never be told.
        if (!raw.write(Buffer.from(eventText(next.value))))
          await untilEnd(new Promise((resolve) => raw.once("drain", resolve)))
      }
      // What the client does not take cannot be ended in order; it has the id of what it got.
      if (signal.aborted && (raw.socket?.writableLength ?? 0) > 0) raw.destroy()
      else raw.end()
    } catch (error) {
      // The head is sent, so that only the cut says that something failed.
      this.#log.error("A stream of events failed", { error })
      raw.destroy()
    } finally {
      rest()
      try {
        await iterator.return?.()
      } catch (error) {
        this.#log.error("A stream of events failed at its end", { error })
      }
    }
  }
}

const aborted = Symbol("aborted")

/** Makes a wait for one promise at a time that ends with the signal; it leaves nothing on the signal for each wait. */
function waitOn(signal: AbortSignal): <T>(work: Promise<T>) => Promise<T | typeof aborted> {
  let wake: ((value: typeof aborted) => void) | undefined
  signal.addEventListener("abort", () => wake?.(aborted), { once: true })
  return (work) =>
    new Promise((resolve, reject) => {
      wake = resolve
      work.then(resolve, reject)
    })
}

function eventText({ event, id, data }: StreamEvent): string {
  let text = ""
  if (event !== undefined) text += `event: ${checkLine("event", event)}\n`
  if (id !== undefined) text += `id: ${checkLine("id", id)}\n`
  if (data !== undefined) for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`
  return `${text}\n`
}

function checkLine(what: string, text: string): string {
  if (!/[\r\n\0]/.test(text)) return text
  throw new TypeError(`The ${what} of an event of a stream has a line break or U+0000.`)
}
