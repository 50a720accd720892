import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { monthOf } from "../ai/budget.ts"
import type { ModelMessage, ToolDescription } from "../ai/provider.ts"
import { ScriptedProvider } from "../ai/scripted.ts"
import { stepsOf } from "../ai/steps.ts"
import type { AgentConfig } from "../shapes.ts"

describe("the steps of an agent", () => {
  const keys = (agentConfig: AgentConfig) => stepsOf({ agentType: "multi_agent", agentConfig }).map(({ key }) => key)
  const node = (id: string) => ({ id, instruction: `Do ${id}.` })
  const edge = (text: string) => ({ from: text[0]!, to: text[1] === "." ? "__end__" : text[1]! })
  const graph = (nodes: string, edges: string, entry = "a"): AgentConfig => ({
    graph: { nodes: [...nodes].map(node), edges: edges.split(" ").map(edge), entry },
  })

  it("are one where the config is empty or does not fit", () => {
    const many = Array.from({ length: 21 }, () => ({ instruction: "x" }))
    for (const config of [
      {},
      null,
      { steps: [] },
      { steps: many },
      { steps: [{ instruction: "" }] },
      { steps: "x" },
      {
        steps: [
          { instruction: "a", output_key: "k" },
          { instruction: "b", output_key: "k" },
        ],
      },
    ]) {
      const [only, ...more] = stepsOf({ agentType: "chain", agentConfig: config as AgentConfig })
      assert.deepEqual([only?.instruction, only?.final, more.length], [undefined, true, 0], JSON.stringify(config))
    }
    for (const config of [
      {},
      graph("ab", "ab ba"),
      graph("ab", "ab bc"),
      graph("ab", "ab b.", "z"),
      graph("ab", "ab"),
      graph("aab", "ab b."),
      graph("abcdefghijklmnopqrstu", "a."),
    ]) {
      assert.deepEqual(keys(config), ["answer"], JSON.stringify(config))
    }
  })

  it("of a graph go from its entry along the edges, and see what leads to them", () => {
    const config = graph("abcdx", "ab ac bd cd d. x.")
    assert.deepEqual(
      stepsOf({ agentType: "multi_agent", agentConfig: config }).map(({ key, sees, final }) => [key, sees, final]),
      [
        ["a", [], false],
        ["b", ["a"], false],
        ["c", ["a"], false],
        ["d", ["b", "c"], true],
      ],
    )
  })

  it("of any graph without a cycle come behind all that lead to them", () => {
    const size = 6
    const edges = fc.uniqueArray(
      fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).filter(([from, to]) => from < to),
      {
        selector: ([from, to]) => `${from}${to}`,
      },
    )
    fc.assert(
      fc.property(edges, fc.shuffledSubarray([...Array(size).keys()], { minLength: size }), (pairs, names) => {
        const given = [...pairs.map(([from, to]) => ({ from: `n${names[from]}`, to: `n${names[to]}` }))]
        const last = [...Array(size).keys()].map((at) => ({ from: `n${at}`, to: "__end__" }))
        const nodes = [...Array(size).keys()].map((at) => node(`n${at}`))
        const entry = `n${names[0]}`
        const steps = stepsOf({
          agentType: "multi_agent",
          agentConfig: { graph: { nodes, edges: [...given, ...last], entry } },
        })
        assert.equal(steps[0]?.key, entry)
        const seen = new Set<string>()
        for (const { key, sees } of steps) {
          assert.ok(sees.every((one) => seen.has(one)))
          seen.add(key)
        }
      }),
    )
  })
})

describe("the scripted provider", () => {
  const provider = new ScriptedProvider()
  const tool = (name: string): ToolDescription => ({ name, description: name, parameters: {} })
  const all = ["calendar_create", "calendar_query", "role_call"].map(tool)
  const { signal } = new AbortController()
  const ask = (content: string, more: ModelMessage[] = [], tools = all) =>
    provider.answer({ model: "x", messages: [{ role: "user", content }, ...more], tools, signal })

  it("answers the same to the same, word by word, and says what it is", async () => {
    const heard: string[] = []
    const request = { model: "x", messages: [{ role: "user", content: "Привет" }] as const, tools: all, signal }
    const answer = await provider.answer({ ...request, onText: (text) => heard.push(text) })
    assert.deepEqual(await provider.answer(request), answer)
    assert.match(answer.content, /встроенный сценарий/)
    assert.match(answer.content, /Привет/)
    assert.ok(heard.length > 5)
    assert.equal(heard.join(""), answer.content)
  })

  it("asks for the tools that it is given, when the text fits", async () => {
    const asked = async (text: string, tools = all) => {
      const { toolRequests } = await ask(text, [], tools)
      return toolRequests.map((one) => [one.tool, JSON.parse(one.args)])
    }
    assert.deepEqual(await asked("@@bot напомни через 10 минут позвонить маме"), [
      ["calendar_create", { title: "позвонить маме", in_minutes: 10 }],
    ])
    assert.deepEqual(await asked("Напомни 2026-12-01 в 09:00 «Планёрка»"), [
      ["calendar_create", { title: "Планёрка", scheduled_at: "2026-12-01T09:00" }],
    ])
    assert.deepEqual(await asked("Remind me in 2 hours to call"), [
      ["calendar_create", { title: "call", in_minutes: 120 }],
    ])
    assert.deepEqual(await asked("Что в календаре?"), [["calendar_query", {}]])
    assert.deepEqual(await asked("Спроси lawyer: можно ли так?"), [
      ["role_call", { role: "lawyer", question: "можно ли так?" }],
    ])
    assert.deepEqual(await asked("Напомни через 10 минут", []), [])
  })

  it("tells what a tool answered, and asks for none again", async () => {
    const { content, toolRequests } = await ask("Что в календаре?", [
      { role: "assistant", content: "", toolRequests: [{ id: "a", tool: "calendar_query", args: "{}" }] },
      { role: "tool", requestId: "a", content: '{"events":[]}' },
    ])
    assert.deepEqual(toolRequests, [])
    assert.match(content, /\{"events":\[\]\}/)
  })
})

it("a month begins and ends at midnight of its zone", () => {
  const { start, end } = monthOf(new Date("2026-03-31T22:00:00Z"), "Europe/Moscow")
  assert.deepEqual([start.toISOString(), end.toISOString()], ["2026-03-31T21:00:00.000Z", "2026-04-30T21:00:00.000Z"])
  const march = monthOf(new Date("2026-03-08T12:00:00Z"), "America/New_York")
  assert.equal((march.end.getTime() - march.start.getTime()) / 3_600_000, 31 * 24 - 1)
})
