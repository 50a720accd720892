import type { CacheDeclaration } from "../cache/index.ts"
import type { Clock } from "../clock/index.ts"
import type { NamedKey, Settings } from "../config/index.ts"
import type { Job, JobHandler, Jobs } from "../jobs/index.ts"
import type { Logger } from "../log/index.ts"
import type { DeclaredSchedule } from "../schedule/index.ts"
import type { Tables } from "../schema/index.ts"
import type { Database } from "../storage/index.ts"
import type { Access } from "./access.ts"
import type { AuthMode } from "./authentication.ts"
import type { MountedSystem } from "./calls.ts"
import { DatabaseAnswers, IdempotencyStorage } from "./idempotency.ts"
import type { Route } from "./route.ts"

/** What a system works with beside its database. */
export type SystemContext = {
  readonly log: Logger
  readonly clock: Clock
  /** Zone in which days, weeks and months begin. */
  readonly timeZone: string
}

/**
 * Keys that are a system's own, made from those of the installation.
 *
 * On an address that other machines reach they must be given; one that is not throws a ConfigError when it is read, so
 * that a system which needs it reads it while it is opened.
 */
export type Secrets = {
  /** Key that signs tokens and cookies, 32 bytes. */
  readonly sign: Uint8Array
  /** Keys of encrypted columns, the newest first; see `Encryption`. */
  readonly encryption: readonly NamedKey[]
}

/** What the services of a system work with beside its database. */
export type ServiceContext = SystemContext & {
  readonly jobs: Jobs
  /** Whether queues are at a broker; else they are in the database. */
  readonly broker: boolean
  /**
   * Access by API keys with the scopes of the system, for one that has an access of its own and takes keys beside it. It
   * always asks for a key, whatever `API_AUTH` says.
   */
  readonly keys: Access
  /** What the environment says. */
  readonly settings: Settings
  readonly secrets: Secrets
}

/** What a system consists of. */
export type SystemParts = {
  /** Who may make its calls, in place of those with API keys; `API_AUTH` does not count then. */
  readonly access?: Access
  /** Key for the digests of bodies that are kept with idempotency keys, where bodies have secrets such as passwords. */
  readonly digestKey?: Uint8Array
  readonly routes: readonly Route[]
  /** What is cached of its database; whoever serves it opens the cache. */
  readonly caches: readonly CacheDeclaration[]
  /** What does its jobs. */
  readonly handlers: readonly JobHandler[]
  /** The most jobs that a worker does at a time, by queue; 10 where none is said. */
  readonly concurrency?: Readonly<Record<string, number>>
  /** What it does by itself, and when. */
  readonly schedules: readonly DeclaredSchedule[]
  /**
   * What else works in the background, such as a bot that asks for updates: started with the worker of a process that works
   * on all queues, and stopped first of all. `stop` is idempotent.
   */
  readonly running?: readonly { start(): Promise<void>; stop(): Promise<void> }[]
}

/** A service: its tables, its calls, its sample data. */
export type System<S extends Tables = Tables> = {
  /** Lower-case name: of its database, its path, its scopes. */
  readonly name: string
  /** Name for people. */
  readonly title: string
  readonly tables: S
  /** Folder of its migrations. */
  readonly migrations: URL
  /** Whether its calls need credentials where `API_AUTH` does not say. */
  readonly auth: AuthMode
  /** What stands before the keys of its cache in Redis, behind `CACHE_PREFIX`; its name and a colon unless said. */
  readonly cachePrefix?: string
  /** All kinds of jobs that it sends or does. */
  readonly jobs: readonly Job[]
  /** Makes what the system consists of, over its database. */
  open(database: Database<S>, context: ServiceContext): SystemParts
  /**
   * Loads its sample data.
   *
   * @returns how many rows of each kind were loaded
   * @throws ConflictError where the database has rows
   */
  loadSample(database: Database<S>, context: SystemContext): Promise<Readonly<Record<string, number>>>
}

/** Makes the calls of a system ready to be served from its database. */
export function mountable<S extends Tables>(
  system: System<S>,
  database: Database<S>,
  context: SystemContext,
  { routes, access, digestKey }: SystemParts,
  auth: AuthMode = system.auth,
): MountedSystem {
  return {
    name: system.name,
    title: system.title,
    routes,
    access,
    // Who has rules of his own lets nobody in without credentials but where a route says so.
    auth: access === undefined ? auth : "required",
    answers: new DatabaseAnswers(database.storage(IdempotencyStorage), context.clock, { digestKey }),
  }
}
