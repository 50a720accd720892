import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** A message that a bot sent. */
export type Sent = { readonly chat_id: number; readonly text: string }

/** A Telegram server on the loopback address, with the calls that a polling bot makes. */
export type Telegram = AsyncDisposable & {
  /** For `client: { apiRoot }` of grammY. */
  readonly root: string
  readonly sent: readonly Sent[]
  /** Someone writes to the bot. */
  say(chat: number, text: string): void
  /** Waits until the bot has acknowledged all that was said: it polls for what comes after. */
  taken(): Promise<void>
}

const token = "1:test"
export const botToken = token

/** https://core.telegram.org/bots/api#getting-updates */
export async function startTelegram(): Promise<Telegram> {
  const sent: Sent[] = []
  let updates: { update_id: number }[] = []
  let lastId = 100
  /** The poll that waits for something to be said. */
  let poll: (() => void) | undefined
  const waiting: (() => void)[] = []
  const results: Record<string, (call: Record<string, unknown>) => unknown> = {
    getMe: () => ({ id: 1, is_bot: true, first_name: "Bot", username: "test_bot" }),
    deleteWebhook: () => true,
    sendMessage(call) {
      sent.push(call as Sent)
      return { message_id: sent.length, date: 0, chat: { id: call["chat_id"], type: "private" }, text: call["text"] }
    },
    async getUpdates(call) {
      const offset = Number(call["offset"] ?? 0)
      updates = updates.filter(({ update_id }) => update_id >= offset)
      if (updates.length === 0) {
        for (const resolve of waiting.splice(0)) resolve()
        await new Promise<void>((resolve) => {
          poll = resolve
        })
      }
      return updates
    },
  }
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const part of request) body += part
    const method = request.url?.split("/").at(-1) ?? ""
    const result = await results[method]?.(body === "" ? {} : JSON.parse(body))
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify(result === undefined ? { ok: false, error_code: 404 } : { ok: true, result }))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve)
  })
  return {
    root: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    say(chat, text) {
      lastId++
      const person = { id: chat, is_bot: false, first_name: "Ann" }
      const message = { message_id: lastId, date: 0, chat: { id: chat, type: "private" }, from: person, text }
      updates.push({ update_id: lastId, message } as { update_id: number })
      poll?.()
      poll = undefined
    },
    taken: () =>
      new Promise((resolve) => {
        if (updates.length === 0 && poll !== undefined) resolve()
        else waiting.push(resolve)
      }),
    async [Symbol.asyncDispose]() {
      poll?.()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
