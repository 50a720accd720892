import type { ModelAnswer, ModelMessage, ToolDescription, ToolRequest } from "./provider.ts"
import type { AgentStep } from "./steps.ts"

/** Most times that a step may ask for tools before it has to answer without them. */
const mostRounds = 8

export type Agent = {
  readonly steps: readonly AgentStep[]
  /** What every step is told: the role, and the conversation. */
  readonly prompt: readonly ModelMessage[]
  readonly tools: readonly ToolDescription[]
  /** Tools that were called for this answer already, before it was begun again, with what they answered. */
  readonly called: readonly (ToolRequest & { readonly result: string })[]
  /** Asks the model. @param final whether the text is part of the answer */
  ask(messages: readonly ModelMessage[], tools: readonly ToolDescription[], final: boolean): Promise<ModelAnswer>
  /** Calls a tool; gives what the model is told of it. */
  call(request: ToolRequest): Promise<string>
}

/** What came of it. */
export type Answered = { readonly content: string; readonly finishReason: string }

/** Goes through the steps of an agent, with the tools that the model asks for. @throws what `ask` and `call` throw */
export async function runAgent(agent: Agent): Promise<Answered> {
  const texts = new Map<string, string>()
  const finals: Answered[] = []
  for (const step of agent.steps) {
    const answer = await runStep(agent, step, texts)
    texts.set(step.key, answer.content)
    if (step.final) finals.push(answer)
  }
  return {
    content: finals.map(({ content }) => content).join("\n\n"),
    finishReason: finals.at(-1)?.finishReason ?? "stop",
  }
}

async function runStep(agent: Agent, step: AgentStep, texts: ReadonlyMap<string, string>): Promise<Answered> {
  const messages: ModelMessage[] = [...agent.prompt]
  const told = instructionOf(step, texts)
  if (told !== undefined) messages.push({ role: "system", content: told })
  for (const { result, ...request } of agent.called) messages.push(...exchange("", [request], [result]))
  for (let round = 0; ; round++) {
    const answer = await agent.ask([...messages], round < mostRounds ? agent.tools : [], step.final)
    const { content, toolRequests, finishReason } = answer
    if (toolRequests.length === 0 || round === mostRounds) return { content, finishReason }
    const results: string[] = []
    for (const request of toolRequests) results.push(await agent.call(request))
    messages.push(...exchange(content, toolRequests, results))
  }
}

function exchange(content: string, requests: readonly ToolRequest[], results: readonly string[]): ModelMessage[] {
  return [
    { role: "assistant", content, toolRequests: requests },
    ...requests.map(({ id }, at): ModelMessage => ({ role: "tool", requestId: id, content: results[at] as string })),
  ]
}

function instructionOf({ instruction, sees }: AgentStep, texts: ReadonlyMap<string, string>): string | undefined {
  if (instruction === undefined) return undefined
  return [instruction, ...sees.map((key) => `${key}:\n${texts.get(key)}`)].join("\n\n")
}
