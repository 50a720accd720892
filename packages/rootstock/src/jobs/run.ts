import { Surroundings } from "../ambient/index.ts"
import { SessionError } from "../errors/index.ts"
import { requestIds } from "../log/index.ts"
import { currentSession, Lease, sessions } from "../session/index.ts"
import { actors } from "../shared/index.ts"
import { RequestScope, requestScopes } from "../storage/index.ts"
import { boundToContext, type Commits } from "./commits.ts"
import type { CommitContext, JobContext, JobHandler } from "./define.ts"
import { FencedOutError, JobInterruptedError, JobTimeoutError } from "./errors.ts"
import type { TakenJob } from "./taken.ts"

/** What came of an attempt, as far as its handler is concerned. */
export type Attempt =
  /** The job was completed in the transaction of its effects; `error` is what its handler threw after that. */
  | { readonly kind: "completed"; readonly error?: unknown }
  /** The handler returned; the job is still to be completed. */
  | { readonly kind: "returned" }
  /** The taking stood no longer: nothing was changed. */
  | { readonly kind: "fenced out" }
  /** It was taken from its handler through no fault of its own. */
  | { readonly kind: "interrupted" }
  | { readonly kind: "failed"; readonly error: unknown }

const returned: Attempt = { kind: "returned" }

export type RunOptions = {
  readonly job: TakenJob
  readonly handling: JobHandler
  /** Completes the job in the ambient transaction; whether the taking stood. */
  readonly complete: () => Promise<boolean>
  readonly commits: Commits
  readonly present: Date
}

/** One attempt at a job. Once it is interrupted, or fenced out, its handler can change nothing more in the database. */
export class Run {
  readonly job: TakenJob
  readonly #handling: JobHandler
  readonly #complete: () => Promise<boolean>
  readonly #commits: Commits
  readonly #present: Date
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  /** The right of the handler to use databases; a transactional one has its transaction. */
  readonly #lease = new Lease()
  #interruption: Error | undefined
  /** Reject what is being waited for: the handler, and the effects inside of the transaction. */
  readonly #rejecters: ((error: Error) => void)[] = []
  /** Settles when the transaction that completes the job has ended. */
  #completion: Promise<void> | undefined
  #committed = false
  #fencedOut = false
  #over = false

  constructor({ job, handling, complete, commits, present }: RunOptions) {
    this.job = job
    this.#handling = handling
    this.#complete = complete
    this.#commits = commits
    this.#present = present
  }

  /** At once where the handler returns at once and has nothing to commit; the promise never rejects. */
  perform(): Attempt | Promise<Attempt> {
    if (this.#handling.job.transactional) return this.#end(() => this.#transact())
    let handled: unknown
    try {
      const payload = this.#payload()
      const handle = () => this.#handling.handler(payload, this.#context())
      handled = this.#surroundings().set(sessions, this.#lease).run(handle)
    } catch (error) {
      return this.#end(() => Promise.reject(error))
    }
    if (isThenable(handled) || this.#interruption !== undefined) return this.#end(() => this.#await(handled))
    if (this.#completion !== undefined) return this.#end(() => this.#outcome())
    this.#over = true
    return returned
  }

  #payload(): unknown {
    return this.#handling.job.payload.read(this.job.payload)
  }

  async #transact(): Promise<Attempt> {
    const payload = this.#payload()
    await this.#commit(() => {
      // From when its turn has come.
      this.#limitTime()
      return this.#surroundings().run(() => this.#handling.handler(payload, this.#context()))
    })
    return { kind: "completed" }
  }

  async #await(handled: unknown): Promise<Attempt> {
    this.#limitTime()
    await this.#untilInterrupted(() => handled)
    return this.#outcome()
  }

  /** What came of a handler that has returned. */
  async #outcome(): Promise<Attempt> {
    if (this.#completion !== undefined) await this.#completion
    if (this.#fencedOut) return { kind: "fenced out" }
    return this.#committed ? { kind: "completed" } : returned
  }

  async #end(work: () => Promise<Attempt>): Promise<Attempt> {
    try {
      return await work()
    } catch (error) {
      return await this.#failed(error)
    } finally {
      this.#over = true
      clearTimeout(this.#timer)
    }
  }

  #limitTime(): void {
    const { timeoutMs } = this.#handling.job
    this.#timer ??= setTimeout(() => this.interrupt(tookTooLong(this.job, timeoutMs)), timeoutMs)
  }

  async #failed(error: unknown): Promise<Attempt> {
    // What is being committed cannot be stopped, so its end decides.
    await this.#completion
    if (this.#committed) return { kind: "completed", error }
    if (this.#fencedOut) return { kind: "fenced out" }
    if (this.#interruption instanceof JobInterruptedError) return { kind: "interrupted" }
    return { kind: "failed", error }
  }

  /** Takes the job from its handler: the signal is aborted, and its transaction rolls back unless it is committing. */
  interrupt(error: Error): void {
    if (this.#over || this.#interruption !== undefined) return
    this.#interruption = error
    this.#lease.end(error)
    this.#controller?.abort(error)
    for (const reject of this.#rejecters) reject(error)
  }

  /** The job is being completed, or was: it may be gone from the database through its own doing. */
  get completing(): boolean {
    return this.#completion !== undefined
  }

  /** What the handler does is done in the name of the job: in the audit, and in the log. */
  #surroundings(): Surroundings {
    const { id, kind } = this.job
    return new Surroundings()
      .set(requestIds, id)
      .set(actors, { kind: "job", id: kind })
      .set(requestScopes, new RequestScope())
  }

  #context(): JobContext | CommitContext {
    return this.#handling.job.transactional
      ? new Context(this, this.#present)
      : new ContextWithCommit(this, this.#present)
  }

  /** Made when somebody asks for it: most handlers do not. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#interruption !== undefined) this.#controller.abort(this.#interruption)
    }
    return this.#controller.signal
  }

  /** Runs effects in a transaction with the completion of the job, in the context in which they are given. */
  commit<T>(effects: () => T | Promise<T>): Promise<T> {
    return this.#commit(boundToContext(effects))
  }

  #commit<T>(effects: () => T | Promise<T>): Promise<T> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    const result = this.#commits.run(this.job.kind, () => this.#completing(effects))
    this.#completion = result.then(
      () => {
        this.#committed = true
      },
      (error) => {
        this.#completion = undefined
        if (!(error instanceof FencedOutError)) return
        this.#fencedOut = true
        this.#lease.end(error)
      },
    )
    return result
  }

  #refusal(): Error | undefined {
    if (this.#lease.reason !== undefined) return this.#lease.reason
    const { id, kind } = this.job
    if (this.#over) {
      return new JobInterruptedError(`The job ${id} (${kind}) tried to commit after its handler had returned.`, {
        cure: "Await everything that the handler begins.",
      })
    }
    if (this.#completion !== undefined) {
      return new SessionError(`The job ${id} (${kind}) was to be committed twice.`, {
        cure: "Put all effects into one commit.",
      })
    }
    if (currentSession() !== undefined) {
      return new SessionError(`The job ${id} (${kind}) was to be committed inside of a transaction.`, {
        cure: "Call commit in place of transaction: it is one.",
      })
    }
    return undefined
  }

  /** The job's row goes first, in one round trip with the first effect; where it was gone, all is rolled back. */
  async #completing<T>(effects: () => T | Promise<T>): Promise<T> {
    if (this.#interruption !== undefined) throw this.#interruption
    const standing = this.#standing()
    const [value] = await this.#untilInterrupted(() => Promise.all([effects(), standing]))
    return value as T
  }

  async #standing(): Promise<void> {
    if (await this.#complete()) return
    const { id, kind, attempt } = this.job
    const error = new FencedOutError(`Attempt ${attempt} at the job ${id} (${kind}) stands no longer.`, {
      cure: "Nothing is to be done: another worker has the job, or somebody took it away.",
    })
    this.#controller?.abort(error)
    throw error
  }

  #untilInterrupted<T>(work: () => T | Promise<T>): Promise<Awaited<T>> {
    return new Promise((resolve, reject) => {
      if (this.#interruption !== undefined) reject(this.#interruption)
      this.#rejecters.push(reject)
      const end = () => {
        this.#rejecters.splice(this.#rejecters.indexOf(reject), 1)
      }
      Promise.try(work).then(
        (value) => {
          end()
          resolve(value)
        },
        (error) => {
          end()
          reject(error)
        },
      )
    })
  }
}

/** What a handler is told. */
class Context implements JobContext {
  readonly job: JobContext["job"]
  readonly messageId: string | undefined
  readonly attempt: number
  readonly fireAt: Date
  readonly lateMs: number
  readonly #run: Run

  constructor(run: Run, present: Date) {
    const { id, kind, queue, lane, createdAt, messageId, attempt, fireAt } = run.job
    this.job = { id, kind, queue, lane, createdAt }
    this.messageId = messageId ?? undefined
    this.attempt = attempt
    this.fireAt = fireAt ?? createdAt
    this.lateMs = Math.max(0, present.getTime() - this.fireAt.getTime())
    this.#run = run
  }

  get signal(): AbortSignal {
    return this.#run.signal
  }
}

/** Of a handler that decides itself what is committed. */
class ContextWithCommit extends Context implements CommitContext {
  readonly commit: CommitContext["commit"]

  constructor(run: Run, present: Date) {
    super(run, present)
    this.commit = (effects) => run.commit(effects)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === "function"
}

function tookTooLong({ id, kind }: TakenJob, limit: number): JobTimeoutError {
  return new JobTimeoutError(`The job ${id} (${kind}) took longer than ${limit} ms.`, {
    cure: "Make it shorter, or raise its timeoutMs.",
  })
}
