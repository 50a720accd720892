import assert from "node:assert/strict"
import { it } from "node:test"
import { type Changes, type NewRow, now, type Row, table, text, timestamp, uuid } from "../../src/schema/index.ts"

const owners = table("owners", { id: uuid().primaryKey(), name: text() })
const notes = table("notes", {
  id: uuid().primaryKey(),
  ownerId: uuid().references(() => owners.id),
  senderId: uuid(),
  hintId: uuid().nullable(),
  createdAt: timestamp().default(now),
})

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
const holds = <T extends true>(value: T): T => value

it("a column of UUIDs that is no key must be given, and may be changed", () => {
  type New = {
    id?: string | undefined
    ownerId: string
    senderId: string
    hintId?: string | null | undefined
    createdAt?: Date | undefined
  }
  assert.ok(holds<Same<NewRow<typeof notes>, New>>(true))
  assert.ok(holds<Same<keyof Changes<typeof notes>, "ownerId" | "senderId" | "hintId" | "createdAt">>(true))
  assert.ok(holds<Same<Row<typeof notes>["senderId"], string>>(true))
})
