import { store } from "./tables.ts"

// Equality, lists, null.
await store.users.list({ where: { username: "jane", isActive: true, id: [1, 2], description: null } })
await store.users.find({ createdAt: new Date(0) })
// @ts-expect-error an unknown column
await store.users.find({ nope: 1 })
// @ts-expect-error a wrong type
await store.users.find({ id: "1" })
// @ts-expect-error a list of a wrong type
await store.users.find({ id: ["1"] })
// @ts-expect-error null in a column that is never null
await store.users.find({ username: null })
// @ts-expect-error none of the choices
await store.users.find({ role: "owner" })
// @ts-expect-error a list of what is none of the choices
await store.users.find({ role: ["admin", "owner"] })

// Operators, by the type of the column.
await store.users.find({
  score: { gt: 1, lte: 5 },
  large: { gte: 1n },
  createdAt: { between: [new Date(0), new Date(1)] },
})
await store.users.find({
  username: { like: "j%", contains: "a", in: ["jane"], not: ["joe"] },
  description: { not: null },
})
await store.users.find({ role: { in: ["admin"] }, born: { lt: "2000-01-01" }, balance: { gt: "1.00" } })
await store.users.find({ tags: { has: "x" }, profile: { has: { theme: "dark" } } })
// @ts-expect-error a number is not like anything
await store.users.find({ score: { like: "1%" } })
await store.users.find({ role: { like: "adm%", contains: "ADM" } })
// @ts-expect-error a date is no text, though a string
await store.users.find({ born: { like: "2000%" } })
// @ts-expect-error nor is a time
await store.users.find({ wakes: { contains: "7" } })
// @ts-expect-error nor is a decimal
await store.users.find({ balance: { like: "1%" } })
// @ts-expect-error nor is a UUID
await store.messages.find({ id: { contains: "0" } })
// @ts-expect-error nor is a list of texts
await store.users.find({ tags: { like: "x%" } })
// @ts-expect-error no order among booleans
await store.users.find({ isActive: { gt: false } })
// @ts-expect-error no order among lists
await store.users.find({ tags: { gt: "x" } })
// @ts-expect-error a list has items of its type
await store.users.find({ tags: { has: 1 } })
// @ts-expect-error text has no items
await store.users.find({ username: { has: "x" } })
// @ts-expect-error an operand of a wrong type
await store.users.find({ score: { gt: "1" } })
// @ts-expect-error a range has two ends
await store.users.find({ score: { between: [1] } })
// @ts-expect-error an unknown operator
await store.users.find({ score: { above: 1 } })
// @ts-expect-error a document has no order
await store.users.find({ profile: { gt: {} } })

// Branches.
await store.users.find({ or: [{ id: 1 }, { and: [{ username: "jane" }, { isActive: true }] }] })
// @ts-expect-error an unknown column in a branch
await store.users.find({ or: [{ nope: 1 }] })
// @ts-expect-error a branch is not alone
await store.users.find({ or: { id: 1 } })

// The same conditions in all calls that take them.
await store.users.count({ isActive: true })
// @ts-expect-error an unknown column
await store.users.count({ nope: true })
await store.users.exists({ username: "jane" }, { except: 1 })
// @ts-expect-error the key is a number
await store.users.exists({ username: "jane" }, { except: "1" })
// @ts-expect-error a wrong type
await store.users.deleteWhere({ isActive: 1 })
// @ts-expect-error a wrong type
await store.users.updateWhere({ isActive: 1 }, { score: 1 })
// @ts-expect-error a wrong type
await store.users.page({ where: { isActive: 1 }, count: 10 })
// @ts-expect-error a wrong type
store.users.stream({ where: { isActive: 1 } })
// @ts-expect-error a wrong type
await store.users.increment(1, { score: 1 }, { where: { isActive: 1 } })

// Additions.
await store.users.increment(1, { score: 1.5, large: 2n, balance: "-0.50" })
// @ts-expect-error text is not added to
await store.users.increment(1, { username: "x" })
// @ts-expect-error nor is a date
await store.users.increment(1, { born: "2000-01-01" })
// @ts-expect-error nor is a choice
await store.users.increment(1, { role: "admin" })
// @ts-expect-error nor is an instant
await store.users.increment(1, { createdAt: new Date(0) })
// @ts-expect-error a decimal is added to by its text
await store.users.increment(1, { balance: 1 })
// @ts-expect-error the key stays
await store.users.increment(1, { id: 1 })
// @ts-expect-error an unknown column
await store.users.increment(1, { nope: 1 })

// Orders.
await store.users.list({ orderBy: { createdAt: "desc" } })
await store.users.list({ orderBy: [{ createdAt: { direction: "desc", nulls: "last" } }, { id: "asc" }] })
// @ts-expect-error an unknown column
await store.users.list({ orderBy: { nope: "asc" } })
// @ts-expect-error an unknown direction
await store.users.list({ orderBy: { id: "down" } })
// @ts-expect-error an unknown position
await store.users.list({ orderBy: { id: { nulls: "middle" } } })
// @ts-expect-error a keyset page has a limit
await store.users.after(undefined, {})
// @ts-expect-error a page has a number of rows
await store.users.page({})
