import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** A request to the model server, as it came. */
export type ModelCall = { readonly path: string; readonly headers: IncomingMessage["headers"]; readonly body: any }

/** What the server does with a request. */
export type Behaviour = (response: ServerResponse, call: ModelCall) => unknown

/** A server on the loopback address that speaks as much of the protocol as a test makes it. */
export type ModelServer = AsyncDisposable & {
  readonly url: string
  readonly calls: ModelCall[]
  /** What the next requests meet, one each; the last goes on. */
  behave(...behaviours: Behaviour[]): void
}

export async function startModelServer(): Promise<ModelServer> {
  const calls: ModelCall[] = []
  let behaviours: Behaviour[] = [says("Hello")]
  const server = createServer(async (request, response) => {
    let text = ""
    for await (const chunk of request) text += chunk
    const call = { path: request.url ?? "", headers: request.headers, body: JSON.parse(text) }
    calls.push(call)
    const behave = behaviours.length > 1 ? (behaviours.shift() as Behaviour) : (behaviours[0] as Behaviour)
    await behave(response, call)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    behave(...next) {
      behaviours = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
}

/** Sends one event; waits until it is on its way. */
export function sendEvent(response: ServerResponse, event: unknown): Promise<void> {
  const data = typeof event === "string" ? event : JSON.stringify(event)
  // A turn of the event loop, in which a client that went is seen.
  return new Promise((resolve) => response.write(`data: ${data}\n\n`, () => setImmediate(resolve)))
}

export const textEvent = (content: string, finish: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: finish }],
})

export const usageEvent = (prompt: number, completion: number) => ({
  choices: [],
  usage: { prompt_tokens: prompt, completion_tokens: completion },
})

/** Streams a text word by word, with the usage where it is given. */
export function says(text: string, usage?: readonly [prompt: number, completion: number]): Behaviour {
  return async (response) => {
    beginStream(response)
    for (const word of text.match(/\s*\S+/gu) ?? []) await sendEvent(response, textEvent(word))
    await sendEvent(response, textEvent("", "stop"))
    if (usage !== undefined) await sendEvent(response, usageEvent(...usage))
    await sendEvent(response, "[DONE]")
    response.end()
  }
}

/** Asks for a tool, its arguments in pieces. */
export function asksFor(tool: string, args: unknown): Behaviour {
  return async (response) => {
    beginStream(response)
    const json = JSON.stringify(args)
    const pieces = [json.slice(0, 3), json.slice(3)]
    const first = { index: 0, id: "call_a", type: "function", function: { name: tool, arguments: "" } }
    await sendEvent(response, { choices: [{ delta: { role: "assistant", content: null, tool_calls: [first] } }] })
    for (const piece of pieces) {
      const call = { index: 0, function: { arguments: piece } }
      await sendEvent(response, { choices: [{ delta: { tool_calls: [call] } }] })
    }
    await sendEvent(response, { choices: [{ delta: {}, finish_reason: "tool_calls" }] })
    await sendEvent(response, "[DONE]")
    response.end()
  }
}

/** Refuses with a status. */
export function refuses(status: number, headers: Record<string, string> = {}, body = "{}"): Behaviour {
  return (response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body)
}

/** Says something, and nothing more, until the client goes. */
export const stalls: Behaviour = async (response) => {
  beginStream(response)
  await sendEvent(response, textEvent("Well,"))
}

/** Cuts the connection in the middle of an answer. */
export const cuts: Behaviour = async (response) => {
  beginStream(response)
  await sendEvent(response, textEvent("Well,"))
  response.destroy()
}
