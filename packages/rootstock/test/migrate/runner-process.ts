import { migrateDown, migrateUp } from "../../src/migrate/index.ts"

// Runs migrations as a process of its own; with a number it kills itself before the statement of that number.
const [url, directory, direction, killAt] = process.argv.slice(2) as [string, string, string, string | undefined]
let statements = 0
const onStep = ({ sql }: { sql?: string }) => {
  if (sql !== undefined && ++statements === Number(killAt)) process.kill(process.pid, "SIGKILL")
}
const run =
  direction === "down"
    ? migrateDown({ url, directory, onStep, allowLoss: true })
    : migrateUp({ url, directory, onStep })
process.stdout.write(JSON.stringify((await run).map(({ id }) => id)))
