import { RootstockError } from "../errors/index.ts"

/**
 * Says that a job can never succeed: it is not tried again, and is dead at once.
 *
 * ### Examples
 *
 * ```ts
 * throw new PermanentError(`There is no user ${userId}.`, { cure: "Send it again with a user that exists." })
 * ```
 */
export class PermanentError extends RootstockError {
  override readonly code = "PERMANENT"

  constructor(
    message: string,
    { cure = "Mend what it names, then retry the job.", cause }: { cure?: string; cause?: unknown } = {},
  ) {
    super(message, { cure, cause })
  }
}

/**
 * Says when it makes sense to try a job again, as a server says it by `Retry-After`. It waits so long at least; its kind's
 * pause still counts where that is longer.
 *
 * ### Examples
 *
 * ```ts
 * if (response.status === 429) throw new RetryAfterError("The server is busy.", { delayMs: 30_000 })
 * ```
 */
export class RetryAfterError extends RootstockError {
  override readonly code = "RETRY_AFTER"
  /** Milliseconds. */
  readonly delayMs: number

  constructor(
    message: string,
    {
      delayMs,
      cure = "Nothing is to be done: the job is tried again then.",
      cause,
    }: { delayMs: number; cure?: string; cause?: unknown },
  ) {
    super(message, { cure, cause })
    this.delayMs = delayMs
  }
}

/** The job is no longer held by who would complete it: another worker has it, or it was cancelled. Nothing was changed. */
export class FencedOutError extends RootstockError {
  override readonly code = "FENCED_OUT"
}

/** A job ran longer than its time limit. */
export class JobTimeoutError extends RootstockError {
  override readonly code = "JOB_TIMEOUT"
}

/** A job was interrupted through no fault of its own: its worker stops, was taken for dead, or somebody cancelled the job. */
export class JobInterruptedError extends RootstockError {
  override readonly code = "JOB_INTERRUPTED"
}

/** The process of a worker ended, or was kept from running for so long that it was taken for dead. */
export class WorkerLostError extends RootstockError {
  override readonly code = "WORKER_LOST"
}
