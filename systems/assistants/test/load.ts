import { once } from "node:events"
import { Agent, get, type IncomingMessage, request } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import { elapsed } from "../../../packages/rootstock/src/clock/index.ts"

/** A chat with somebody who takes part in it. */
export type LoadedChat = { readonly id: string; readonly token: string }

export type LoadOptions = {
  /** Servers of one database; streams and calls go to each in turn. */
  readonly addresses: readonly string[]
  readonly chats: readonly LoadedChat[]
  /** How many streams are open, each of one chat. */
  readonly streams: number
  /** Messages a second in all chats together. */
  readonly rate: number
  readonly seconds: number
  /** How long is waited for what has not come when the last message is posted, in milliseconds. */
  readonly patienceMs?: number
}

/** What came of it. */
export type LoadResult = {
  readonly posted: number
  readonly failed: number
  /** Events that the streams had to be given, in all. */
  readonly due: number
  readonly delivered: number
  /** Events that a stream got twice, or behind a later one. */
  readonly disordered: number
  /** Milliseconds from the moment when a message was to be posted to the end of its answer. */
  readonly postMs: readonly number[]
  /** Milliseconds from that moment to the event on a stream. */
  readonly eventMs: readonly number[]
}

/** A stream as the load counts it: the numbers that come must follow each other. */
type Counted = { last: number; delivered: number; disordered: number; readonly chat: number; close(): void }

/**
 * Has people watch chats while messages are posted at a steady rate, whatever time the answers take, and counts what the
 * streams are given. The chats get no other messages meanwhile.
 */
export async function runLoad({ addresses, chats, streams, rate, seconds, patienceMs = 10_000 }: LoadOptions) {
  const postMs: number[] = []
  const eventMs: number[] = []
  const planned = new Map<string, number>()
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const addressOf = (index: number) => addresses[index % addresses.length] as string
  const opened: Counted[] = []
  try {
    while (opened.length < streams) {
      const from = opened.length
      const count = Math.min(20, streams - from)
      const more = Array.from({ length: count }, (_, number) => {
        const index = from + number
        const chat = index % chats.length
        // Each chat is watched through every server.
        const address = addressOf(index + Math.floor(index / chats.length))
        return openStream(address, chats[chat] as LoadedChat, chat, (label) => {
          const at = planned.get(label)
          if (at !== undefined) eventMs.push(elapsed() - at)
        })
      })
      opened.push(...(await Promise.all(more)))
    }
    const total = Math.round(rate * seconds)
    const postedIn = new Array<number>(chats.length).fill(0)
    let failed = 0
    const begin = elapsed()
    const posting: Promise<void>[] = []
    for (let index = 0; index < total; index++) {
      const due = begin + (index * 1_000) / rate
      const wait = due - elapsed()
      if (wait > 0) await pause(wait)
      const at = index % chats.length
      const label = `load ${index}`
      planned.set(label, due)
      posting.push(
        post(agent, addressOf(index), chats[at] as LoadedChat, label).then((status) => {
          postMs.push(elapsed() - due)
          if (status === 201) postedIn[at] = (postedIn[at] as number) + 1
          else failed++
        }),
      )
    }
    await Promise.all(posting)
    const dueOf = ({ chat }: Counted) => postedIn[chat] as number
    const end = elapsed() + patienceMs
    while (elapsed() < end && opened.some((stream) => stream.delivered < dueOf(stream))) await pause(20)
    const sum = (number: (stream: Counted) => number) => opened.reduce((all, stream) => all + number(stream), 0)
    return {
      posted: total - failed,
      failed,
      due: sum(dueOf),
      delivered: sum(({ delivered }) => delivered),
      disordered: sum(({ disordered }) => disordered),
      postMs,
      eventMs,
    } satisfies LoadResult
  } finally {
    for (const stream of opened) stream.close()
    agent.destroy()
  }
}

async function openStream(
  address: string,
  { id, token }: LoadedChat,
  chat: number,
  tell: (label: string) => void,
): Promise<Counted> {
  const headers = { authorization: `Bearer ${token}` }
  const asked = get(new URL(`/chats/${id}/stream`, address), { agent: false, headers })
  const [response] = (await once(asked, "response")) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`a stream was answered with ${response.statusCode}`)
  const stream: Counted = { last: -1, delivered: 0, disordered: 0, chat, close: () => response.destroy() }
  const position = Promise.withResolvers<void>()
  let text = ""
  response.on("error", () => undefined)
  response.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
    const blocks = text.split("\n\n")
    text = blocks.pop() as string
    for (const block of blocks) {
      const number = /^id: (\d+)$/m.exec(block)?.[1]
      if (number === undefined) continue
      const seq = Number(number)
      if (stream.last >= 0) {
        if (seq === stream.last + 1) stream.delivered++
        else stream.disordered++
        tell(/"content":"([^"]*)"/.exec(block)?.[1] ?? "")
      }
      stream.last = seq
      position.resolve()
    }
  })
  await position.promise
  return stream
}

async function post(agent: Agent, address: string, { id, token }: LoadedChat, content: string): Promise<number> {
  const body = JSON.stringify({ content })
  const sent = request(new URL(`/chats/${id}/messages`, address), {
    method: "POST",
    agent,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
  })
  try {
    sent.end(body)
    const [response] = (await once(sent, "response")) as [IncomingMessage]
    response.resume()
    await once(response, "end")
    return response.statusCode ?? 0
  } catch {
    return 0
  }
}
