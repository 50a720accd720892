import { RootstockError } from "rootstock/errors"
import type { JsonSchema } from "rootstock/fields"

/** A tool that a model asks for; its arguments are JSON as the model wrote it, checked by nobody yet. */
export type ToolRequest = { readonly id: string; readonly tool: string; readonly args: string }

/** What a model is told, or said itself. */
export type ModelMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string; readonly toolRequests?: readonly ToolRequest[] }
  | { readonly role: "tool"; readonly content: string; readonly requestId: string }

/** A tool as a model is told of it. */
export type ToolDescription = { readonly name: string; readonly description: string; readonly parameters: JsonSchema }

export type ModelRequest = {
  /** As the role names it. */
  readonly model: string
  readonly messages: readonly ModelMessage[]
  /** What the model may ask for. */
  readonly tools: readonly ToolDescription[]
  /** Aborted where nobody wants the answer any more. */
  readonly signal: AbortSignal
  /** Told each piece of the text as it comes. */
  readonly onText?: ((text: string) => void) | undefined
}

/** Tokens that a call used: as the server counts them, else estimated. */
export type Tokens = { readonly promptTokens: number; readonly completionTokens: number }

export type ModelAnswer = Tokens & {
  /** At most 16,000 characters; may be empty where tools are asked for. */
  readonly content: string
  readonly toolRequests: readonly ToolRequest[]
  /** Why the model stopped: `stop`, `length`, `tool_calls`, or what else the server says, at most 32 characters. */
  readonly finishReason: string
}

/** What answers for AI roles. It is never called inside of a transaction. */
export type Provider = {
  /** As runs name it, at most 32 characters. */
  readonly name: string
  /** @throws ProviderError; the reason of `signal` where that was aborted */
  answer(request: ModelRequest): Promise<ModelAnswer>
}

/** Most characters of an answer: those of a message. */
export const longestAnswer = 16_000

/** A provider did not answer. Its message is shown to administrators: it names no secret, and no text of the server. */
export class ProviderError extends RootstockError {
  override readonly code = "PROVIDER"
  /** Whether the same call would fail again. */
  readonly permanent: boolean
  /** When the server wants to be asked again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined
  /** What the call used all the same. */
  readonly used: Tokens

  constructor(
    message: string,
    { permanent = false, retryAfterMs, used = noTokens }: { permanent?: boolean; retryAfterMs?: number; used?: Tokens },
  ) {
    super(message, { cure: permanent ? "Check the role's model, LLM_URL and LLM_API_KEY." : "Try again later." })
    this.permanent = permanent
    this.retryAfterMs = retryAfterMs
    this.used = used
  }
}

export const noTokens: Tokens = Object.freeze({ promptTokens: 0, completionTokens: 0 })

/** About how many tokens a text is: one for four bytes, so one for two Cyrillic letters. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}

/** About how many tokens a prompt is. */
export function estimatePrompt(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, { content }) => sum + estimateTokens(content) + 4, 0)
}

/** Text as both engines can store it. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed()
}
