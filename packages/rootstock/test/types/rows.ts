import type { Changes, Key, NewRow, Row } from "../../src/index.ts"
import {
  check,
  choice,
  identity,
  index,
  integer,
  json,
  table,
  text,
  timestamp,
  unique,
  uuid,
} from "../../src/schema/index.ts"
import { same } from "./equal.ts"
import { type members, type messages, type Profile, store, type users } from "./tables.ts"

type User = {
  id: number
  username: string
  description: string | null
  profile: Profile
  isActive: boolean
  score: number
  balance: string
  large: bigint
  role: "admin" | "member"
  tags: string[]
  avatar: Uint8Array | null
  born: string | null
  wakes: string | null
  managerId: number | null
  upperName: string
  createdAt: Date
  updatedAt: Date | null
}

same<Row<typeof users>, User>()

same<
  NewRow<typeof users>,
  {
    username: string
    score: number
    id?: number | undefined
    description?: string | null | undefined
    profile?: Profile | undefined
    isActive?: boolean | undefined
    balance?: string | undefined
    large?: bigint | undefined
    role?: "admin" | "member" | undefined
    tags?: string[] | undefined
    avatar?: Uint8Array | null | undefined
    born?: string | null | undefined
    wakes?: string | null | undefined
    managerId?: number | null | undefined
    createdAt?: Date | undefined
    updatedAt?: Date | null | undefined
  }
>()

same<Changes<typeof users>, { [K in Exclude<keyof User, "id" | "upperName">]?: User[K] | undefined }>()

same<Key<typeof users>, number>()
same<Key<typeof messages>, string>()
same<Key<typeof members>, { chatId: number; userId: number }>()

same<
  NewRow<typeof messages>,
  { chatId: number; content: string; id?: string | undefined; createdAt?: Date | undefined }
>()
same<Changes<typeof members>, { role?: "reader" | "writer" | undefined }>()

// What a row is made of.
await store.users.create({ username: "jane", score: 1 })
// @ts-expect-error a required column is missing
await store.users.create({ username: "jane" })
// @ts-expect-error an unknown column
await store.users.create({ username: "jane", score: 1, nope: 1 })
// @ts-expect-error a wrong type
await store.users.create({ username: "jane", score: "1" })
// @ts-expect-error a generated column is never given
await store.users.create({ username: "jane", score: 1, upperName: "JANE" })
// @ts-expect-error null in a column that is not nullable
await store.users.create({ username: "jane", score: 1, isActive: null })
// @ts-expect-error none of the choices
await store.users.create({ username: "jane", score: 1, role: "owner" })
// @ts-expect-error not of the structure
await store.users.create({ username: "jane", score: 1, profile: { theme: "blue" } })
// @ts-expect-error a list of something else
await store.users.create({ username: "jane", score: 1, tags: [1] })
// @ts-expect-error decimals are strings
await store.users.create({ username: "jane", score: 1, balance: 1 })
await store.users.createMany([{ username: "jane", score: 1 }])
// @ts-expect-error a required column is missing in one of them
await store.users.createMany([{ username: "jane", score: 1 }, { username: "joe" }])

// What is changed of it.
await store.users.update(1, { description: null, updatedAt: undefined })
// @ts-expect-error the key is not changed
await store.users.update(1, { id: 2 })
// @ts-expect-error an unknown column
await store.users.update(1, { nope: 2 })
// @ts-expect-error a wrong type
await store.users.updateWhere({ id: 1 }, { isActive: 1 })
await store.users.updateMany([{ id: 1, score: 2 }])
// @ts-expect-error a row without its key
await store.users.updateMany([{ score: 2 }])
await store.members.updateMany([{ chatId: 1, userId: 1, role: "writer" }])
// @ts-expect-error half a key
await store.members.updateMany([{ chatId: 1, role: "writer" }])
await store.users.increment(1, { score: 1, large: 1n, balance: "1.00" })
// @ts-expect-error a boolean cannot be added to
await store.users.increment(1, { isActive: true })
await store.users.upsert({ username: "jane", score: 1 }, { by: ["username"], update: ["score"] })
// @ts-expect-error an unknown column
await store.users.upsert({ username: "jane", score: 1 }, { by: ["name"] })

// Keys.
await store.members.get({ chatId: 1, userId: 2 })
// @ts-expect-error half a key
await store.members.get({ chatId: 1 })
// @ts-expect-error a key of one column is its value
await store.users.get({ id: 1 })
// @ts-expect-error the key is text
await store.messages.get(1)
await store.users.getMany([1, 2])
// @ts-expect-error the keys are numbers
await store.users.getMany(["1"])

// Declarations.
// @ts-expect-error a default of another type
text().default(1)
// @ts-expect-error none of the choices
choice("a", "b").default("c")
// @ts-expect-error not of the structure
json<Profile>().default({ theme: "blue" })
table("declared", { id: identity(), a: integer(), at: timestamp() }, (t) => [
  index(t.a, t.at.desc()),
  unique(t.a),
  check("positive", "a > 0"),
  // @ts-expect-error no such column
  index(t.b),
])
// @ts-expect-error the column of a soft delete is one of the table's
table("declared", { id: identity() }, { softDelete: "deletedAt" })
table("declared", { id: uuid().primaryKey(), parentId: uuid().nullable().references("id") })
