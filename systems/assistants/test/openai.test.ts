import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, describe, it } from "node:test"
import { manualClock } from "rootstock"
import { type OpenAiOptions, OpenAiProvider } from "../ai/openai.ts"
import { type ModelRequest, ProviderError } from "../ai/provider.ts"
import {
  asksFor,
  type Behaviour,
  beginStream,
  cuts,
  type ModelServer,
  refuses,
  says,
  sendEvent,
  stalls,
  startModelServer,
  textEvent,
  usageEvent,
} from "./model-server.ts"

describe("a model server", () => {
  let server: ModelServer
  before(async () => {
    server = await startModelServer()
  })
  after(() => server[Symbol.asyncDispose]())

  const clock = manualClock("2026-03-11T12:00:00.000Z")
  const key = "sk-very-secret"

  function ask(behaviours: Behaviour[], request: Partial<ModelRequest> = {}, options: Partial<OpenAiOptions> = {}) {
    server.behave(...behaviours)
    server.calls.length = 0
    return new OpenAiProvider({ url: server.url, key, clock, ...options }).answer({
      model: "qwen2.5:7b",
      messages: [{ role: "user", content: "Say hello" }],
      tools: [],
      signal: new AbortController().signal,
      ...request,
    })
  }

  async function fails(...asked: Parameters<typeof ask>): Promise<ProviderError> {
    const error = await ask(...asked).then(
      () => assert.fail("it answered"),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof ProviderError, String(error))
    const shown = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`
    assert.ok(!shown.includes(key), "the key is in the error")
    return error
  }

  it("is asked for a stream with its usage, by the role's model or what it is called there", async () => {
    const heard: string[] = []
    const answer = await ask([says("Good day to you", [11, 4])], { onText: (text) => heard.push(text) })
    assert.deepEqual(answer, {
      content: "Good day to you",
      toolRequests: [],
      promptTokens: 11,
      completionTokens: 4,
      finishReason: "stop",
    })
    assert.deepEqual(heard, ["Good", " day", " to", " you"])
    const [{ path, headers, body }] = server.calls as [(typeof server.calls)[0]]
    assert.equal(path, "/v1/chat/completions")
    assert.equal(headers.authorization, `Bearer ${key}`)
    assert.deepEqual(body, {
      model: "qwen2.5:7b",
      messages: [{ role: "user", content: "Say hello" }],
      stream: true,
      stream_options: { include_usage: true },
    })
    await ask([says("Hi")], {}, { models: new Map([["qwen2.5:7b", "gpt-x"]]) })
    assert.equal(server.calls[0]?.body.model, "gpt-x")
  })

  it("counts tokens by their length where the server does not", async () => {
    const { promptTokens, completionTokens } = await ask([says("Добрый день")])
    assert.ok(promptTokens > 0)
    assert.equal(completionTokens, Math.ceil(21 / 4))
  })

  it("asks for tools, and is told of their answers", async () => {
    const tools = [{ name: "calendar_query", description: "Lists", parameters: { type: "object" } }]
    const { toolRequests, finishReason } = await ask([asksFor("calendar_query", { from: "x" })], { tools })
    assert.deepEqual(toolRequests, [{ id: "call_a", tool: "calendar_query", args: '{"from":"x"}' }])
    assert.equal(finishReason, "tool_calls")
    assert.deepEqual(server.calls[0]?.body.tools, [{ type: "function", function: tools[0] }])
    await ask([says("There is nothing")], {
      tools,
      messages: [
        { role: "user", content: "What is on?" },
        { role: "assistant", content: "", toolRequests },
        { role: "tool", requestId: "call_a", content: "[]" },
      ],
    })
    assert.deepEqual(server.calls[0]?.body.messages.slice(1), [
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "call_a", type: "function", function: { name: "calendar_query", arguments: '{"from":"x"}' } },
        ],
      },
      { role: "tool", content: "[]", tool_call_id: "call_a" },
    ])
  })

  it("is worth another try where it is busy, broken or cut off, and not where it refuses", async () => {
    const trouble = async (behaviour: Behaviour) => (await fails([behaviour])).permanent
    for (const status of [408, 429, 500, 502, 503]) assert.equal(await trouble(refuses(status)), false, String(status))
    for (const status of [301, 400, 401, 403, 404, 422])
      assert.equal(await trouble(refuses(status)), true, String(status))
    assert.equal(await trouble(cuts), false)
    assert.equal(await trouble((response) => response.destroy()), false)
    const gone = await startModelServer()
    await gone[Symbol.asyncDispose]()
    const nowhere = await fails([says("x")], {}, { url: gone.url })
    assert.deepEqual(
      [nowhere.permanent, nowhere.message],
      [false, "The model server cannot be reached (ECONNREFUSED)."],
    )
  })

  it("says when it wants to be asked again, in seconds or by a date", async () => {
    const after = async (text: string) => (await fails([refuses(429, { "retry-after": text })])).retryAfterMs
    assert.equal(await after("7"), 7_000)
    assert.equal(await after("Wed, 11 Mar 2026 12:00:30 GMT"), 30_000)
    assert.equal(await after("Wed, 11 Mar 2026 11:00:00 GMT"), 0)
    assert.equal(await after("999999999"), 600_000)
    assert.equal(await after("soon"), undefined)
  })

  it("is given up where it stalls, and what it used is known", async () => {
    const error = await fails([stalls], {}, { limitMs: 300 })
    assert.deepEqual([error.permanent, error.message], [false, "The model did not answer within 0.3 s."])
    assert.ok(error.used.promptTokens > 0)
  })

  it("is left at once when nobody wants the answer", async () => {
    const controller = new AbortController()
    const reason = new Error("cancelled")
    let left: Promise<unknown> | undefined
    const behaviour: Behaviour = async (response) => {
      left = once(response, "close")
      await stalls(response, server.calls[0]!)
    }
    const asked = ask([behaviour], { signal: controller.signal, onText: () => controller.abort(reason) })
    await assert.rejects(asked, reason)
    await left
    await assert.rejects(ask([says("x")], { signal: controller.signal }), reason)
    assert.equal(server.calls.length, 0)
  })

  it("is not believed where it answers with garbage", async () => {
    const streams =
      (...events: unknown[]): Behaviour =>
      async (response) => {
        beginStream(response)
        for (const event of events) await sendEvent(response, event)
        response.end()
      }
    const html: Behaviour = (response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>Hello")
    const call = (index: number) => ({ choices: [{ delta: { tool_calls: [{ index, function: { name: "x" } }] } }] })
    for (const behaviour of [
      html,
      streams("{not json"),
      streams("[1]", "null"),
      streams({ error: { message: key } }),
      streams("[DONE]"),
      streams(textEvent("  ", "stop"), "[DONE]"),
      streams(textEvent("Half")),
      streams(call(7), "[DONE]"),
    ]) {
      assert.equal((await fails([behaviour])).permanent, false)
    }
    // What is strange but harmless.
    const odd = streams({ choices: [] }, { choices: [{ delta: null }] }, { usage: null }, textEvent("A\0B", "stop"))
    assert.equal((await ask([odd])).content, "A\uFFFDB")
    const negative = streams(textEvent("A", "stop"), usageEvent(-1, 1.5), "[DONE]")
    assert.equal((await ask([negative])).completionTokens, 1)
  })

  it("is heard no longer than a message can be", async () => {
    const endless: Behaviour = async (response) => {
      beginStream(response)
      response.on("error", () => undefined)
      while (!response.destroyed) await sendEvent(response, textEvent("ab".repeat(500)))
    }
    const { content, finishReason } = await ask([endless])
    assert.deepEqual([content.length, finishReason], [16_000, "length"])
    const empty: Behaviour = async (response) => {
      beginStream(response)
      while (!response.destroyed) await sendEvent(response, `{"padding":"${"x".repeat(200_000)}"}`)
    }
    assert.match((await fails([empty])).message, /no end/)
  })

  it("has its key apart from its address", () => {
    assert.throws(() => new OpenAiProvider({ url: "http://user:secret@localhost/v1", clock }), /LLM_URL/)
  })
})
