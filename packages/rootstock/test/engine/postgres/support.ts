import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import type { Lookup, Query } from "../../../src/engine/contract.ts"
import { openPostgres, type PostgresEngine, type PostgresOptions } from "../../../src/engine/postgres/index.ts"
import { integer } from "../../../src/schema/index.ts"
import { requireService, temporaryDatabase } from "../../support/index.ts"

type Opened = AsyncDisposable & {
  readonly url: string
  readonly engine: PostgresEngine
}

/** Opens an engine on a fresh schema. */
export type Open = (options?: Partial<PostgresOptions>) => Promise<Opened>

/** Defines the cases on each server that is there. */
export function forEachServer(title: string, define: (open: Open, url: string) => void): void {
  const servers = { TEST_EMBEDDED_POSTGRES_URL: "embedded-postgres", TEST_POSTGRES_URL: "postgres" } as const
  for (const variable of Object.keys(servers) as (keyof typeof servers)[]) {
    requireService(variable, `${title} on ${servers[variable]}`, (serverUrl) => {
      define(async (options = {}) => {
        const database = await temporaryDatabase(servers[variable])
        const engine = await openPostgres({
          connectDelaysMs: [],
          ...options,
          // A test that fails with a transaction open fails at once.
          pool: { closeMs: 1_000, ...options.pool },
          url: options.url ?? database.url,
        })
        const dispose = async () => {
          await engine.close()
          await database.dispose()
        }
        return { url: database.url, engine, [Symbol.asyncDispose]: dispose }
      }, serverUrl)
    })
  }
}

/** A statement whose rows stay as the server gives them. */
export function query(sql: string, changes: Partial<Query> = {}): Query<(string | null)[]> {
  return {
    sql,
    decode: (row) => [...row],
    wide: false,
    writes: false,
    returns: true,
    label: "test",
    ...changes,
  } as Query<(string | null)[]>
}

/** A look-up of rows by a whole number. */
export function lookupById(table: string, columns: string): Lookup<{ row: (string | null)[] }> {
  return {
    one: query(`SELECT ${columns} FROM ${table} WHERE id = $1`, { decode: (row) => ({ row: [...row] }) }) as never,
    many: query(`SELECT id, ${columns} FROM ${table} WHERE id = ANY($1::bigint[])`, {
      decode: (row) => ({ key: Number(row[0]), row: { row: row.slice(1) } }),
    }) as never,
    column: { ...integer().settings, key: "id", name: "id" },
  }
}

/** A way to the server that counts, delays and cuts. */
export type Proxy = AsyncDisposable & {
  /** The URL of the server by way of the proxy. */
  readonly url: (through: string) => string
  /** Connections opened so far. */
  readonly opened: number
  /** Connections open at present. */
  readonly open: number
  /** Messages of clients by their type, e.g. `B` for Bind. */
  readonly sent: Map<string, number>
  /** Passes answers on in pieces of at most so many bytes. */
  pieces: number | undefined
  /** New connections are closed at once. */
  refusing: boolean
  /** Cuts all connections. */
  cut(): void
  /** Lets nothing through on the connections that are open, without closing them. */
  freeze(): void
  /** Resolves when at most so many connections are open. */
  atMost(count: number): Promise<void>
}

export async function startProxy(serverUrl: string): Promise<Proxy> {
  const server = new URL(serverUrl)
  const pairs = new Set<{ client: Socket; upstream: Socket; frozen: boolean }>()
  const sent = new Map<string, number>()
  let closed = Promise.withResolvers<void>()
  let opened = 0
  const listener = createServer((client) => {
    opened++
    if (proxy.refusing) {
      client.destroy()
      return
    }
    const upstream = connect(Number(server.port || 5432), server.hostname)
    const pair = { client, upstream, frozen: false }
    pairs.add(pair)
    const count = messageCounter(sent)
    client.on("data", (chunk: Buffer) => {
      count(chunk)
      if (!pair.frozen) upstream.write(chunk)
    })
    upstream.on("data", (chunk: Buffer) => {
      if (pair.frozen) return
      const size = proxy.pieces ?? chunk.length
      for (let at = 0; at < chunk.length; at += size) client.write(chunk.subarray(at, at + size))
    })
    const end = () => {
      client.destroy()
      upstream.destroy()
      if (!pairs.delete(pair)) return
      closed.resolve()
      closed = Promise.withResolvers()
    }
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on("error", end).on("close", end)
    }
  })
  listener.listen(0, "127.0.0.1")
  await once(listener, "listening")
  const { port } = listener.address() as AddressInfo
  const proxy: Proxy = {
    url(through) {
      const url = new URL(through)
      url.hostname = "127.0.0.1"
      url.port = String(port)
      return url.href
    },
    get opened() {
      return opened
    },
    get open() {
      return pairs.size
    },
    sent,
    pieces: undefined,
    refusing: false,
    cut() {
      for (const { client } of pairs) client.destroy()
    },
    freeze() {
      for (const pair of pairs) pair.frozen = true
    },
    async atMost(count) {
      while (pairs.size > count) await closed.promise
    },
    async [Symbol.asyncDispose]() {
      this.cut()
      listener.close()
      await once(listener, "close")
    },
  }
  return proxy
}

function messageCounter(sent: Map<string, number>): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      // The first message has no type.
      const header = started ? 1 : 0
      if (rest.length < header + 4) return
      const length = header + rest.readUInt32BE(header)
      if (rest.length < length) return
      if (started) {
        const type = String.fromCharCode(rest[0] as number)
        sent.set(type, (sent.get(type) ?? 0) + 1)
      }
      started = true
      rest = rest.subarray(length)
    }
  }
}
