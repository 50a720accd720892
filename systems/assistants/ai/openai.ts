import { createParser } from "eventsource-parser"
import type { Clock } from "rootstock/clock"
import { ConfigError } from "rootstock/errors"
import {
  estimatePrompt,
  estimateTokens,
  longestAnswer,
  type ModelAnswer,
  type ModelMessage,
  type ModelRequest,
  type Provider,
  ProviderError,
  storable,
  type ToolRequest,
} from "./provider.ts"

export type OpenAiOptions = {
  /** Base address, e.g. `http://localhost:11434/v1`. */
  readonly url: string
  readonly key?: string | undefined
  /** What the server calls models that roles name otherwise. */
  readonly models?: ReadonlyMap<string, string> | undefined
  readonly clock: Clock
  /** How long an answer may take from the first byte sent to the last one read, in milliseconds (default 60,000). */
  readonly limitMs?: number
}

/** Most bytes of a stream: an answer of the greatest length with much around it. */
const mostBytes = 8 * 1024 * 1024
/** Longest wait that a server can ask for, in milliseconds. */
const longestRetryAfter = 600_000
const mostToolRequests = 16

/**
 * Any server that speaks the chat call of OpenAI, streamed.
 *
 * Worth another try: no connection, 408, 429 (after its `Retry-After`), 5xx, no end within the limit, a stream that is cut
 * or makes no sense. Every other answer would be the same again.
 *
 * https://platform.openai.com/docs/api-reference/chat/create
 */
export class OpenAiProvider implements Provider {
  readonly name = "openai"
  readonly #address: string
  readonly #options: OpenAiOptions

  /** @throws ConfigError for an address with a user or password in it */
  constructor(options: OpenAiOptions) {
    const url = new URL(options.url)
    if (url.username !== "" || url.password !== "") {
      throw new ConfigError("LLM_URL has a user or a password in it.", { cure: "Give the secret as LLM_API_KEY." })
    }
    this.#address = `${url.origin}${url.pathname.replace(/\/+$/, "")}/chat/completions${url.search}`
    this.#options = options
  }

  async answer(request: ModelRequest): Promise<ModelAnswer> {
    const { limitMs = 60_000 } = this.#options
    request.signal.throwIfAborted()
    const limit = AbortSignal.timeout(limitMs)
    const signal = AbortSignal.any([request.signal, limit])
    const reply = new Reply(request)
    try {
      const response = await fetch(this.#address, {
        method: "POST",
        headers: this.#headers(),
        body: JSON.stringify(this.#body(request)),
        // Another server must not be sent the key.
        redirect: "manual",
        signal,
      })
      if (!response.ok) throw await this.#refusal(response)
      await reply.read(response)
      return reply.answer()
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason
      if (error instanceof ProviderError) throw error
      const why = limit.aborted
        ? `The model did not answer within ${limitMs / 1_000} s.`
        : `The model server cannot be reached${codeOf(error)}.`
      throw new ProviderError(why, { used: reply.used })
    }
  }

  #headers(): Record<string, string> {
    const { key } = this.#options
    const headers = { "content-type": "application/json", accept: "text/event-stream" }
    return key === undefined ? headers : { ...headers, authorization: `Bearer ${key}` }
  }

  #body({ model, messages, tools }: ModelRequest): unknown {
    const functions = tools.map((one) => ({ type: "function", function: one }))
    return {
      model: this.#options.models?.get(model) ?? model,
      messages: messages.map(messageOf),
      stream: true,
      stream_options: { include_usage: true },
      ...(functions.length === 0 ? {} : { tools: functions }),
    }
  }

  /** The server's own words stay out: they can repeat what it was sent. */
  async #refusal(response: Response): Promise<ProviderError> {
    const { status } = response
    await response.body?.cancel()
    const transient = status === 408 || status === 429 || status >= 500
    const retryAfterMs = retryAfter(response.headers.get("retry-after"), this.#options.clock.now())
    return new ProviderError(`The model server answered ${status}.`, {
      permanent: !transient,
      ...(transient && retryAfterMs !== undefined ? { retryAfterMs } : {}),
    })
  }
}

/** The code of a failed connection, e.g. ` (ECONNREFUSED)`. */
function codeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    const code = (one as Error & { code?: unknown }).code
    if (typeof code === "string" && /^[A-Z_]{3,40}$/.test(code)) return ` (${code})`
  }
  return ""
}

/** Milliseconds of a `Retry-After`, which is a number of seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#name-retry-after */
function retryAfter(text: string | null, present: Date): number | undefined {
  if (text === null) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - present.getTime()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestRetryAfter)
}

function messageOf(message: ModelMessage): unknown {
  const { role, content } = message
  if (role === "tool") return { role, content, tool_call_id: message.requestId }
  if (role !== "assistant" || message.toolRequests === undefined) return { role, content }
  const calls = message.toolRequests.map(({ id, tool, args }) => ({
    id,
    type: "function",
    function: { name: tool, arguments: args },
  }))
  return { role, content, tool_calls: calls }
}

type Pending = { id: string; tool: string; args: string }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** A streamed answer, as far as it was read. */
class Reply {
  readonly #request: ModelRequest
  readonly #calls: Pending[] = []
  #content = ""
  #finishReason: string | undefined
  #ended = false
  #counted: { prompt: number; completion: number } | undefined

  constructor(request: ModelRequest) {
    this.#request = request
  }

  /** What was used so far. */
  get used() {
    const said = this.#calls.reduce((text, { args }) => text + args, this.#content)
    return {
      promptTokens: this.#counted?.prompt ?? estimatePrompt(this.#request.messages),
      completionTokens: this.#counted?.completion ?? estimateTokens(said),
    }
  }

  /** Reads until the end, or as much as an answer can be. */
  async read(response: Response): Promise<void> {
    const type = response.headers.get("content-type") ?? ""
    if (!/^text\/event-stream\b/i.test(type) || response.body === null) {
      await response.body?.cancel()
      throw this.#nonsense("no stream of events")
    }
    const parser = createParser({ onEvent: ({ data }) => this.#take(data) })
    const decoder = new TextDecoder()
    let bytes = 0
    // Leaving the loop cancels the rest of the stream.
    for await (const chunk of response.body) {
      bytes += chunk.byteLength
      if (bytes > mostBytes) throw this.#nonsense("no end")
      parser.feed(decoder.decode(chunk, { stream: true }))
      if (this.#ended) return
    }
  }

  #take(data: string): void {
    if (this.#ended) return
    if (data === "[DONE]") {
      this.#ended = true
      return
    }
    const event = this.#parsed(data)
    if (event["error"] !== undefined) throw new ProviderError("The model server broke off.", { used: this.used })
    const { prompt_tokens: prompt, completion_tokens: completion } = isObject(event["usage"]) ? event["usage"] : {}
    if (isCount(prompt) && isCount(completion)) this.#counted = { prompt, completion }
    const choice = Array.isArray(event["choices"]) ? event["choices"][0] : undefined
    if (!isObject(choice)) return
    if (isObject(choice["delta"])) this.#add(choice["delta"])
    const reason = choice["finish_reason"]
    if (typeof reason === "string" && reason !== "") this.#finishReason ??= storable(reason).slice(0, 32)
  }

  #parsed(data: string): Record<string, unknown> {
    try {
      const event: unknown = JSON.parse(data)
      if (isObject(event)) return event
    } catch {
      // It is as little use as any other nonsense.
    }
    throw this.#nonsense("events that are no JSON objects")
  }

  #add({ content, tool_calls: calls }: Record<string, unknown>): void {
    if (typeof content === "string" && content !== "") {
      const room = longestAnswer - this.#content.length
      const text = content.slice(0, room)
      this.#content += text
      if (text !== "") this.#request.onText?.(text)
      if (content.length > room) {
        this.#finishReason = "length"
        this.#ended = true
      }
    }
    for (const call of Array.isArray(calls) ? calls : []) if (isObject(call)) this.#addCall(call)
  }

  #addCall({ index, id, function: named }: Record<string, unknown>): void {
    const at = isCount(index) ? index : this.#calls.length
    if (at >= mostToolRequests || at > this.#calls.length) throw this.#nonsense("calls of too many tools")
    const call = this.#calls[at] ?? { id: "", tool: "", args: "" }
    this.#calls[at] = call
    if (typeof id === "string" && call.id === "") call.id = id
    const { name, arguments: args } = isObject(named) ? named : {}
    if (typeof name === "string") call.tool += name
    if (typeof args === "string") call.args += args
    if (call.args.length > longestAnswer) throw this.#nonsense("arguments without an end")
  }

  #nonsense(what: string): ProviderError {
    return new ProviderError(`The model server answered with ${what}.`, { used: this.used })
  }

  /** @throws ProviderError where it is none */
  answer(): ModelAnswer {
    const { used } = this
    if (!this.#ended && this.#finishReason === undefined) {
      throw new ProviderError("The stream of the model server was cut.", { used })
    }
    const content = storable(this.#content)
    const toolRequests: ToolRequest[] = this.#calls.map(({ id, tool, args }, at) => ({
      id: id === "" ? `call_${at}` : id,
      tool: storable(tool),
      args,
    }))
    if (content.trim() === "" && toolRequests.length === 0) {
      throw new ProviderError("The model answered with nothing.", { used })
    }
    return { ...used, content, toolRequests, finishReason: this.#finishReason ?? "stop" }
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
