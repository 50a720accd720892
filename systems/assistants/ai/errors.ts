import { RootstockError } from "rootstock/errors"
import { PermanentError } from "rootstock/jobs"
import { RuleError } from "rootstock/shared"
import { PromptFileError } from "./prompt-files.ts"
import { ProviderError } from "./provider.ts"

/** A run cannot be made, whenever it is tried. */
export class RunError extends RootstockError {
  override readonly code = "RUN"

  constructor(message: string) {
    super(message, { cure: "Mend what it names, then ask again." })
  }
}

/** A run was cancelled, or ended otherwise, while it was made. */
export class RunOverError extends RootstockError {
  override readonly code = "RUN_OVER"

  constructor(runId: string) {
    super(`The run ${runId} is not running any more.`, { cure: "Nothing is to be done." })
  }
}

/** Whether another try would end alike. */
export function isHopeless(error: unknown): boolean {
  if (error instanceof ProviderError) return error.permanent
  return [RunError, PromptFileError, PermanentError, RuleError].some((kind) => error instanceof kind)
}

/** What a run keeps of why it failed, for administrators: never a secret, nor the inside of an unexpected error. */
export function reasonOf(error: unknown): string {
  if (error instanceof RuleError) return `${error.code}: ${error.message}`
  if (error instanceof ProviderError || error instanceof PromptFileError || error instanceof RunError) {
    return error.message
  }
  return "Something unexpected happened; the log has it under the id of the run."
}
