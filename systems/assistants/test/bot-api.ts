import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import type { Update } from "grammy/types"

/** A call of the Bot API. */
export type BotCall = { readonly method: string; readonly body: any }

/** A Bot API on the loopback address. */
export type BotApi = AsyncDisposable & {
  readonly url: string
  /** What the bot did, without its questions for updates. */
  readonly calls: BotCall[]
  /** Gives updates to who asks for them. */
  give(...updates: Update[]): void
  /** Refuses the next call of a method with this status. */
  refuse(method: string, status: number, description: string): void
  /** Waits until a call fits. */
  until(fits: (call: BotCall) => boolean): Promise<BotCall>
}

export async function startBotApi(token: string): Promise<BotApi> {
  const calls: BotCall[] = []
  const refusals = new Map<string, object>()
  let waiting: Update[] = []
  let woken: () => void = () => undefined
  let seen: () => void = () => undefined
  let messages = 100
  const server = createServer(async (request, response) => {
    const content = await text(request)
    const body = content === "" ? {} : JSON.parse(content)
    const [, given, method = ""] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? "") ?? []
    const answer = (value: object, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
    if (given !== token) return answer({ ok: false, error_code: 401, description: "Unauthorized" }, 401)
    if (method === "getMe")
      return answer({ ok: true, result: { id: 1, is_bot: true, first_name: "Bot", username: "test_bot" } })
    if (method === "getUpdates") {
      waiting = waiting.filter(({ update_id }) => update_id >= (body.offset ?? 0))
      if (waiting.length === 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        woken = resolve
        response.on("close", resolve)
        await promise
      }
      return answer({ ok: true, result: waiting })
    }
    calls.push({ method, body })
    seen()
    const refusal = refusals.get(method)
    refusals.delete(method)
    if (refusal !== undefined) return answer(refusal, 400)
    return answer({ ok: true, result: method === "answerCallbackQuery" ? true : { message_id: ++messages } })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    give(...updates) {
      waiting.push(...updates)
      woken()
    },
    refuse(method, error_code, description) {
      refusals.set(method, { ok: false, error_code, description })
    },
    async until(fits) {
      for (;;) {
        const found = calls.find(fits)
        if (found !== undefined) return found
        const { promise, resolve } = Promise.withResolvers<void>()
        seen = resolve
        await promise
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}
