import type { Socket } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import pg from "pg"
import { elapsed } from "../../clock/index.ts"
import { ConfigError, type RootstockError, UnavailableError } from "../../errors/index.ts"
import type { Target } from "./options.ts"
import { Wire, type WireOptions } from "./wire.ts"

/** What `pg` does not tell TypeScript of its client. */
type Internals = { readonly connection: { readonly stream: Socket }; readonly processID: number }

/**
 * Opens one connection. `pg` does the way to an authenticated session (TLS, passwords, SCRAM); from there on the
 * connection is ours.
 */
async function openWire(target: Target, options: WireOptions, ssl: Target["client"]["ssl"]): Promise<Wire> {
  const client = new pg.Client({ ...target.client, ssl } as pg.ClientConfig)
  // Errors reach the wire by the socket.
  client.on("error", () => undefined)
  return new Promise((resolve, reject) => {
    client.connect((error: Error | null | undefined) => {
      const { connection, processID } = client as unknown as Internals
      if (error) {
        connection.stream.destroy()
        reject(error)
        return
      }
      connection.stream.removeAllListeners("data")
      resolve(new Wire(connection.stream, processID, elapsed(), options))
    })
  })
}

async function tryOnce(target: Target, options: WireOptions): Promise<Wire> {
  try {
    return await openWire(target, options, target.client.ssl)
  } catch (error) {
    if (!target.plainAllowed || !(error instanceof Error) || !error.message.includes("does not support SSL"))
      throw error
    return openWire(target, options, false)
  }
}

/**
 * Opens a connection, trying again after each of the delays.
 *
 * @throws UnavailableError when no try succeeds; ConfigError when the server refuses user, password or database
 */
export async function connect(target: Target, options: WireOptions, delays: readonly number[]): Promise<Wire> {
  for (let failures = 0; ; failures++) {
    try {
      return await tryOnce(target, options)
    } catch (error) {
      const refusal = refused(target, error)
      if (refusal !== undefined) throw refusal
      const delay = delays[failures]
      if (delay === undefined) throw unreachable(target, error, failures + 1)
      await pause(delay)
    }
  }
}

/** Errors that another try does not mend. */
function refused({ place, client }: Target, error: unknown): RootstockError | undefined {
  const code = (error as { code?: string }).code ?? ""
  const who = client.user === undefined ? "the user" : `the user ${client.user}`
  if (code.startsWith("28")) {
    return new ConfigError(`The server at ${place} refuses ${who} or the password.`, {
      cure: "Correct user and password in the database URL, or the server's pg_hba.conf.",
      cause: error,
    })
  }
  if (code === "3D000") {
    return new ConfigError(`The server at ${place} has no database ${client.database}.`, {
      cure: `Create it (CREATE DATABASE), or correct the name in the database URL.`,
      cause: error,
    })
  }
  if (code === "08P01" || code === "42704" || code === "22023") {
    return new ConfigError(`The server at ${place} refuses the settings of the session: ${(error as Error).message}.`, {
      cure: "Behind a pooler in transaction mode set `pooler: true`.",
      cause: error,
    })
  }
  return undefined
}

function unreachable({ place }: Target, error: unknown, tries: number): UnavailableError {
  const { code, message } = error as { code?: string; message?: string }
  const why = code === "53300" ? "it has no connection left" : message || code || "no answer"
  return new UnavailableError(`The database server at ${place} cannot be reached after ${tries} tries: ${why}.`, {
    cure: "Check that the server runs, and that host and port in the database URL are right.",
    cause: error,
  })
}
