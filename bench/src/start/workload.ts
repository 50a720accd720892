import { Random } from "../data/random.ts"
import { firstInstant, message, sizes } from "../data/rows.ts"
import { type ContestantName, type Engine, openContestant } from "../run/contestants.ts"

// The fixed workload of the memory measurement, in a process of its own; answers with the peak in KiB.
const [name, engine, location] = process.argv.slice(2) as [ContestantName, Engine, string]

const contestant = await openContestant(name, engine, { location, poolSize: 10 })
const random = new Random(41)
const later = (): Date => new Date(firstInstant + random.between(40_000_000_000, 60_000_000_000))

for (let count = 0; count < 10_000; count += 1) await contestant.userById(random.between(1, sizes.users))
for (let count = 0; count < 500; count += 1) await contestant.latestMessages(random.between(1, sizes.chats), 50)
for (let count = 0; count < 100; count += 1) await contestant.ordersFrom(random.between(1, sizes.orders - 100), 100)
for (let count = 0; count < 64; count += 1) {
  await Promise.all(Array.from({ length: 32 }, () => contestant.insertMessage(message(random, later()))))
}
const rows = Array.from({ length: 10_000 }, () => message(random, later()))
for (let count = 0; count < 3; count += 1) {
  await contestant.clearImports()
  await contestant.importMessages(rows)
}
process.send?.(process.resourceUsage().maxRSS)
await contestant.close()
process.disconnect?.()
