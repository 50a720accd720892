import { RootstockError } from "rootstock/errors"
import type { Field } from "rootstock/fields"
import type { AiRun, Organization } from "../../schema.ts"

/** For whom a tool is called. */
export type ToolContext = {
  readonly run: AiRun
  readonly organization: Organization
  /** The person for whom the run is made, where there is one. */
  readonly askerId: string | undefined
  /** Ids of the runs that began this one in turn, the first one first. */
  readonly ancestors: readonly string[]
  readonly signal: AbortSignal
}

/** What a role can do beside talking. */
export type Tool<A = unknown> = {
  readonly name: string
  /** For the model. */
  readonly description: string
  readonly args: Field<A>
  /** Whether it changes nothing, so that a test of a role may call it too. */
  readonly readsOnly: boolean
  /**
   * Does what needs no transaction, and gives what is to be done in the transaction that stores the call: so that a call
   * has its effect once, however often its run is begun again.
   *
   * @throws ToolError, or a RuleError: the model is told of it
   */
  begin(args: A, context: ToolContext): Promise<() => Promise<unknown>>
}

/** A tool cannot do what it was asked; the model is told why. */
export class ToolError extends RootstockError {
  override readonly code = "TOOL"

  constructor(message: string) {
    super(message, { cure: "Ask for something else." })
  }
}

/** Makes a list of tools out of tools with arguments of their own. */
export function asTool<A>(tool: Tool<A>): Tool {
  return tool as unknown as Tool
}
