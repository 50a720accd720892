import { Ambient } from "../ambient/index.ts"
import type { BeginOptions, Connection } from "../engine/index.ts"
import { RootstockError, SessionError, TimeoutError } from "../errors/index.ts"
import type { Host } from "./host.ts"

/** Work for after the end of a session. */
export type Callback = () => void | Promise<void>

/** Something that takes part in the end of a session, e.g. a cache that must know what was written. */
export interface Participant {
  /**
   * Runs before the commit, with its calls as the last ones of the transaction: the session's own calls are refused from
   * here on. Where it rejects, the session rolls back.
   */
  prepare(): Promise<void>
  /**
   * Runs outside of the session, after the commit and before anybody is told of it; also where it is not known whether the
   * commit succeeded. Never rejects.
   */
  committed(): Promise<void>
  /** Takes over what took part in a savepoint that was released. */
  join(child: Participant): void
}

type State = "open" | "failed" | "ended"

/**
 * A unit of work: one transaction, or a savepoint in one. It takes its connection at the first call, so that a session
 * that asks nothing costs nothing.
 */
export class Session {
  readonly parent: Session | undefined
  readonly label: string
  readonly #options: BeginOptions
  /** In how many others it is. */
  readonly #depth: number
  #host: Host | undefined
  #connection: Connection | undefined
  #starting: Promise<Connection> | undefined
  #state: State = "open"
  #failure: unknown
  /** Calls and savepoints that were begun and are not done. */
  #pending = 0
  #drained: (() => void) | undefined
  /** Calls that are past the gate. */
  #running = 0
  #quiet: (() => void) | undefined
  /** Ends when the savepoint that is open on this session does. */
  #gate: Promise<void> | undefined
  afterCommit: Callback[] = []
  afterRollback: Callback[] = []
  #participants: Map<object, Participant> | undefined
  #commitTried = false

  constructor(options: BeginOptions, parent: Session | undefined) {
    this.#options = options
    this.label = options.label
    this.parent = parent
    this.#depth = parent === undefined ? 0 : parent.#depth + 1
  }

  /** The database of the session; undefined until the first call. */
  get host(): Host | undefined {
    return this.#host
  }

  get failure(): unknown {
    return this.#failure
  }

  get readOnly(): boolean {
    return this.#options.readOnly ?? this.parent?.readOnly ?? false
  }

  /** Whether the engine was asked to commit, whatever came of it. */
  get commitTried(): boolean {
    return this.#commitTried
  }

  get ended(): boolean {
    return this.#state === "ended"
  }

  /** What takes part in the end of this session for `owner`; made at the first use. */
  participant<P extends Participant>(owner: object, make: () => P): P {
    this.#participants ??= new Map()
    let participant = this.#participants.get(owner) as P | undefined
    if (participant === undefined) {
      participant = make()
      this.#participants.set(owner, participant)
    }
    return participant
  }

  get participants(): Iterable<Participant> {
    return this.#participants?.values() ?? []
  }

  /** Runs a call on the session's connection. A call that fails makes the session one that can only roll back. */
  run<T>(host: Host, call: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const closed = this.#closed
    if (closed !== undefined) return Promise.reject(closed.#refusal(call))
    if (this.#host !== undefined && this.#host !== host) return Promise.reject(twoDatabases(call))
    this.#host = host
    this.#pending++
    if (this.#gate !== undefined) return this.#runBehindGate(host, call, work)
    return this.#runNow(host, call, work)
  }

  async #runBehindGate<T>(host: Host, call: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      await this.#passGate(call)
      const closed = this.#closed
      if (closed !== undefined) throw closed.#refusal(call)
    } catch (error) {
      this.#left()
      throw error
    }
    return this.#runNow(host, call, work)
  }

  /** Waits for the savepoint that is open on this session; not for ever, since it may itself wait for this call. */
  async #passGate(call: string): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(gateTimeout(call, this.label)), gateMs)
    try {
      while (this.#gate !== undefined) await Promise.race([this.#gate, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  #runNow<T>(host: Host, call: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    this.#running++
    const ready = this.#connection
    const result = ready === undefined ? this.#connect(host).then(work) : work(ready)
    return result.then(
      (value) => {
        this.#done()
        return value
      },
      (error) => {
        const earlier = this.#failure
        if (this.#state === "open") this.fail(error)
        this.#done()
        throw earlier === undefined ? error : this.#refusal(call)
      },
    )
  }

  /** This session or the one around it that takes no calls any more. */
  get #closed(): Session | undefined {
    if (this.#state !== "open") return this
    return this.parent === undefined ? undefined : this.parent.#closed
  }

  /** Portions of a stream; each is a call of its own, so that others may run between them. */
  async *stream<T>(host: Host, call: string, open: (connection: Connection) => AsyncIterable<T>): AsyncIterable<T> {
    const rows = await this.run(host, call, async (connection) => open(connection)[Symbol.asyncIterator]())
    try {
      for (;;) {
        const next = await this.run(host, call, () => rows.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await rows.return?.()
    }
  }

  /** The session can only roll back from here on. */
  fail(error: unknown): void {
    if (this.#state === "open") this.#state = "failed"
    this.#failure = error
  }

  /** Waits for calls that nobody awaited, then commits; throws where one of them failed. */
  async commit(): Promise<void> {
    await this.#drain()
    if (this.#state === "failed") throw this.#rolledBack()
    // A call that begins from here on would be committed without a participant having heard of it.
    this.#state = "ended"
    for (const participant of this.participants) await this.#prepare(participant)
    // A commit ends the connection's transaction, also where it fails: there is nothing left to roll back.
    const connection = this.#connection
    this.#connection = undefined
    this.#commitTried = true
    try {
      await connection?.commit()
    } catch (error) {
      throw this.#host?.explain(error) ?? error
    }
  }

  /** Lets a participant make its calls on the connection, as a session that takes nobody else's. */
  async #prepare(participant: Participant): Promise<void> {
    const own = new Session(this.#options, undefined)
    own.#begin = (host) => {
      if (this.#host !== undefined && this.#host !== host) throw twoDatabases(this.label)
      this.#host = host
      return this.#connect(host)
    }
    try {
      await runInSession(own, () => participant.prepare())
      await own.#drain()
      if (own.#state === "failed") throw own.#rolledBack()
    } catch (error) {
      own.fail(own.#failure ?? error)
      await own.#drain()
      throw error
    } finally {
      own.#state = "ended"
    }
    this.#takeOver(own)
    this.afterCommit.push(...own.afterCommit)
    this.afterRollback.push(...own.afterRollback)
  }

  /** Waits for calls under way, then rolls back. Never throws. */
  async rollback(reason: unknown): Promise<void> {
    if (this.#state === "open") this.fail(reason)
    await this.#drain()
    this.#state = "ended"
    try {
      await this.#connection?.rollback()
    } catch (error) {
      this.#host?.report(error)
    }
  }

  /** Runs `work` in a savepoint on this session; other calls of this session wait until it ends. */
  async nest<T>(label: string, work: (child: Session) => Promise<T>): Promise<T> {
    // The end of this session waits for it, also where nobody does.
    this.#pending++
    try {
      while (this.#gate !== undefined) await this.#gate
      const { promise, resolve: open } = Promise.withResolvers<void>()
      this.#gate = promise
      const child = new Session({ ...this.#options, label }, this)
      try {
        // A call of this session must not come to stand behind the savepoint.
        while (this.#running > 0) {
          await new Promise<void>((resolve) => {
            this.#quiet = resolve
          })
        }
        const closed = this.#closed
        if (closed !== undefined) throw closed.#refusal(label)
        return await this.#runNested(child, work)
      } finally {
        this.#gate = undefined
        open()
        // They run in this session, which waits no longer, so that they may call storages.
        if (child.#failure !== undefined) {
          for (const callback of child.afterRollback) await settle(this.#host, callback)
        }
      }
    } finally {
      this.#left()
    }
  }

  async #runNested<T>(child: Session, work: (child: Session) => Promise<T>): Promise<T> {
    // The same for all of one depth, so that the statements are: the newest one of a name is meant.
    const name = `nested_${child.#depth}`
    child.#begin = async (host) => {
      if (this.#host !== undefined && this.#host !== host) throw twoDatabases(child.label)
      this.#host = host
      const connection = await this.#connect(host)
      await connection.savepoint(name)
      return connection
    }
    try {
      const value = await work(child)
      await child.#drain()
      if (child.#state === "failed") throw child.#rolledBack()
      child.#state = "ended"
      await child.#connection?.release(name)
      this.#takeOver(child)
      this.afterCommit.push(...child.afterCommit)
      this.afterRollback.push(...child.afterRollback)
      return value
    } catch (error) {
      child.fail(child.#failure ?? error ?? new Error("no reason"))
      await child.#drain()
      child.#state = "ended"
      try {
        await child.#connection?.rollbackTo(name)
      } catch (lost) {
        this.fail(lost)
      }
      throw error
    }
  }

  #takeOver(child: Session): void {
    for (const [owner, participant] of child.#participants ?? []) {
      this.#participants ??= new Map()
      const own = this.#participants.get(owner)
      if (own === undefined) this.#participants.set(owner, participant)
      else own.join(participant)
    }
  }

  #begin: (host: Host) => Promise<Connection> = (host) => host.engine.begin(this.#options)

  async #connect(host: Host): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection
    this.#starting ??= this.#begin(host)
    try {
      this.#connection = await this.#starting
      return this.#connection
    } finally {
      this.#starting = undefined
    }
  }

  #done(): void {
    if (--this.#running === 0) this.#quiet?.()
    this.#left()
  }

  #left(): void {
    if (--this.#pending === 0) this.#drained?.()
  }

  async #drain(): Promise<void> {
    while (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
  }

  #refusal(call: string): SessionError {
    if (this.#state === "failed") {
      return new SessionError(
        `${call} was called in the transaction ${this.label}, which failed already: ${sentence(this.#failure)}`,
        {
          cure: "Let the error end the transaction, or run the part that may fail with transaction(…, { nested: true }).",
          cause: this.#failure,
        },
      )
    }
    return new SessionError(`${call} was called after its transaction ${this.label} ended.`, {
      cure: "Await every call inside the transaction, or run work that outlives it with outsideTransaction(…).",
    })
  }

  #rolledBack(): SessionError {
    return new SessionError(
      `The transaction ${this.label} was rolled back, because a call in it failed: ${sentence(this.#failure)}`,
      {
        cure: "Let the error end the transaction, or run the part that may fail with transaction(…, { nested: true }).",
        cause: this.#failure,
      },
    )
  }
}

/** How long a call waits for a nested transaction that is open beside it, in milliseconds. */
const gateMs = 30_000

function gateTimeout(call: string, label: string): TimeoutError {
  return new TimeoutError(`${call} waited ${gateMs} ms for a nested transaction that is open in ${label}.`, {
    cure: "Await calls of the outer transaction before a nested one, never inside it.",
  })
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function twoDatabases(call: string): SessionError {
  return new SessionError(`${call} belongs to another database than the transaction that it is called in.`, {
    cure: "Use one transaction for each database; what must follow from the first is a job written in it.",
  })
}

/** Runs a callback whose error has no caller: it is reported. */
export async function settle(host: Host | undefined, callback: Callback): Promise<void> {
  try {
    await callback()
  } catch (error) {
    if (host === undefined) process.emitWarning(error instanceof RootstockError ? error : String(error))
    else host.report(error)
  }
}

/**
 * The right of some work to use databases. Once it is ended, each call of that work is refused, also in the transactions
 * that it began; what is being committed is not stopped any more.
 */
export class Lease {
  #reason: Error | undefined
  readonly #ends = new Set<(reason: Error) => void>()

  /** Why it is ended; undefined while it holds. */
  get reason(): Error | undefined {
    return this.#reason
  }

  /** Ends it for good. */
  end(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const end of this.#ends) end(reason)
  }

  /** What the work of a session gives; where the lease ends before, it rejects at once and the session can only roll back. */
  during<T>(session: Session, work: () => Promise<T>): Promise<T> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason)
    return new Promise<T>((resolve, reject) => {
      const end = (reason: Error) => {
        session.fail(reason)
        reject(reason)
      }
      this.#ends.add(end)
      const over = () => this.#ends.delete(end)
      work().then(resolve, reject).finally(over)
    })
  }
}

/** The session of the code that runs; outside of one, what its right to use databases hangs on, where that is limited. */
export const sessions = new Ambient<Session | Lease>()

/** The session of the code that runs, or undefined outside transactions. @throws the reason of an ended lease */
export function currentSession(): Session | undefined {
  const frame = sessions.value
  if (!(frame instanceof Lease)) return frame
  if (frame.reason !== undefined) throw frame.reason
  return undefined
}

/** The lease of the code that runs, outside of its transactions. */
export function currentLease(): Lease | undefined {
  const frame = sessions.value
  return frame instanceof Lease ? frame : undefined
}

/** Runs `work` with this session as the ambient one. */
export function runInSession<T>(session: Session | undefined, work: () => T): T {
  return sessions.run(session, work)
}
