import { list, type Row, table, text, timestamp, uuid } from "rootstock/schema"
import { createdAt, updatedAt } from "rootstock/shared"

/** Keys that let programs call the systems. Only their hashes are stored. */
export const apiKeys = table("api_keys", {
  id: uuid().primaryKey(),
  name: text({ max: 120 }).describe("What the key is for."),
  prefix: text({ max: 12 }).describe("How the key begins, so that its owner can tell it from others."),
  keyHash: text({ max: 64 }).unique().describe("SHA-256 of the key, in hexadecimal digits."),
  scopes: list(text()).describe("Such as shop:read, shop:write, shop:admin."),
  expiresAt: timestamp().nullable(),
  revokedAt: timestamp().nullable(),
  lastUsedAt: timestamp().nullable().describe("To the minute."),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

/** Keys that were made where the environment gives none. */
export const secrets = table("secrets", {
  name: text({ max: 32 }).primaryKey().describe("What it is for: sign or encryption."),
  value: text({ max: 64 }).describe("32 random bytes in base64url."),
  createdAt: createdAt(),
})

/** The tables of the app's own database. */
export const appTables = { apiKeys, secrets }

export type ApiKey = Row<typeof apiKeys>
