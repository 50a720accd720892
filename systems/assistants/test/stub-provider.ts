import assert from "node:assert/strict"
import { currentSession } from "rootstock/session"
import type { ModelAnswer, ModelRequest, Provider } from "../ai/provider.ts"

export type Reply = (request: ModelRequest, number: number) => Partial<ModelAnswer> | Promise<Partial<ModelAnswer>>

/** A provider that answers as a test says, and that is never called inside of a transaction. */
export class StubProvider implements Provider {
  readonly name = "stub"
  readonly calls: ModelRequest[] = []
  reply: Reply = () => ({})

  async answer(request: ModelRequest): Promise<ModelAnswer> {
    assert.equal(currentSession(), undefined, "the provider is called inside of a transaction")
    this.calls.push(request)
    const reply = await this.reply(request, this.calls.length)
    const usual = {
      content: "An answer",
      toolRequests: [],
      promptTokens: 10,
      completionTokens: 5,
      finishReason: "stop",
    }
    const answer = { ...usual, ...reply }
    request.onText?.(answer.content)
    return answer
  }

  /** Answers so from now on, and forgets what was asked. */
  replies(reply: Reply): void {
    this.calls.length = 0
    this.reply = reply
  }
}

/** Asks for a tool. */
export function tool(name: string, args: unknown): Partial<ModelAnswer> {
  return { content: "", toolRequests: [{ id: "a", tool: name, args: JSON.stringify(args) }] }
}
