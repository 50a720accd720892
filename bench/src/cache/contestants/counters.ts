import pg from "pg"
import { numbersForBigint } from "../../contestants/postgres-types.ts"

/** Counters in the database, as the peers' users would read and write them. */
export interface Counters {
  load(id: number): Promise<number>
  raise(id: number): Promise<number>
  loads(): number
  close(): Promise<void>
}

export function openCounters(url: string, pause: () => Promise<void>): Counters {
  const pool = new pg.Pool({ connectionString: url, max: 10, types: numbersForBigint })
  let loads = 0
  const only = async (name: string, text: string, id: number): Promise<number> => {
    const { rows } = await pool.query<{ version: number }>({ name, text, values: [id] })
    const [row] = rows
    if (row === undefined) throw new Error(`no counter ${id}`)
    return row.version
  }
  return {
    async load(id) {
      loads += 1
      const version = await only("load", "SELECT version FROM counters WHERE id = $1", id)
      await pause()
      return version
    },
    raise: (id) => only("raise", "UPDATE counters SET version = version + 1 WHERE id = $1 RETURNING version", id),
    loads: () => loads,
    close: () => pool.end(),
  }
}
