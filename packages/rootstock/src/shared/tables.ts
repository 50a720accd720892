import { choice, identity, index, integer, json, now, table, text, timestamp, uuid } from "../schema/index.ts"

/** When a row was made; every table has it. */
export const createdAt = () => timestamp().default(now)

/** When a row was last changed; a table whose rows change has it. */
export const updatedAt = () => timestamp().default(now).onUpdate(now)

/** Who can act on a system. */
export const actorKinds = ["user", "console", "api_key", "bot", "job", "system"] as const

/** Every change that a person, key or bot made, written in the change's own transaction. */
export const audit = table(
  "audit",
  {
    id: identity(),
    actorKind: choice(...actorKinds),
    actorId: text({ max: 64 }).nullable().describe("Null where the actor has no id, as a caller without credentials."),
    action: text({ max: 64 }),
    entity: text({ max: 64 }),
    entityId: text({ max: 64 }),
    before: json().nullable(),
    after: json().nullable(),
    requestId: text({ max: 64 }).nullable(),
    createdAt: createdAt(),
  },
  (t) => [index(t.entity, t.entityId, t.createdAt.desc()), index(t.createdAt)],
  { appendOnly: true },
)

/** Keys of what must happen once; inserted in the transaction of the effect. */
export const once = table(
  "once",
  { key: text({ max: 200 }).primaryKey(), expiresAt: timestamp().nullable(), createdAt: createdAt() },
  (t) => [index(t.expiresAt)],
)

/** Answers to requests that carried an `Idempotency-Key`. */
export const idempotency = table(
  "idempotency",
  {
    actor: text({ max: 80 }).primaryKey(),
    route: text({ max: 160 }).primaryKey(),
    key: text({ max: 128 }).primaryKey(),
    bodyHash: text({ max: 64 }),
    status: integer().describe("HTTP status of the answer; 0 while the first request is running."),
    body: json().nullable(),
    expiresAt: timestamp(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.expiresAt)],
)

/** Settings that were changed in the console. */
export const settings = table("settings", {
  key: text({ max: 80 }).primaryKey(),
  value: json(),
  updatedBy: text({ max: 64 }).nullable(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

/** Stored files; the bytes are in the file store under `storage_key`. */
export const files = table(
  "files",
  {
    id: uuid().primaryKey(),
    storageKey: text({ max: 80 }).unique(),
    fileName: text({ max: 255 }),
    mime: text({ max: 100 }),
    size: integer().check("size >= 0"),
    sha256: text({ max: 64 }),
    ownerEntity: text({ max: 64 }),
    ownerId: text({ max: 64 }),
    uploadedBy: text({ max: 64 }),
    createdAt: createdAt(),
  },
  (t) => [index(t.ownerEntity, t.ownerId)],
)

/** One-time tokens that link an account; only their hashes are stored. */
export const linkTokens = table(
  "link_tokens",
  {
    tokenHash: text({ max: 64 }).primaryKey(),
    subjectId: text({ max: 64 }),
    purpose: text({ max: 32 }),
    expiresAt: timestamp(),
    usedAt: timestamp().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index(t.expiresAt)],
)

/** The tables that every system's database has beside its own. */
export const sharedTables = { audit, once, idempotency, settings, files, linkTokens } as const
