import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** Stands between a client and a server, so that a test can disturb the one without touching the other. */
export type TcpProxy = AsyncDisposable & {
  /** The URL of the server, with the proxy's host and port in it. */
  readonly url: string
  /** How many connections are open. */
  readonly connections: number
  /** Breaks all connections. */
  cut(): void
  /** Breaks all connections and refuses others, until `restore`. */
  away(): void
  /** Keeps all that is sent either way for itself, until `restore`. */
  hang(): void
  restore(): void
  /** Sends bytes to all clients, as if the server had; nothing else may be on its way. */
  inject(bytes: Uint8Array): void
}

/**
 * Starts a proxy before the server of a URL.
 *
 * ### Examples
 *
 * ```ts
 * await using proxy = await startTcpProxy("amqp://127.0.0.1:5672/test")
 * proxy.cut()
 * ```
 */
export async function startTcpProxy(server: string): Promise<TcpProxy> {
  const target = new URL(server)
  const pairs = new Set<readonly [client: Socket, upstream: Socket]>()
  let state: "open" | "away" | "hanging" = "open"
  const listener = createServer((client) => {
    if (state === "away") {
      client.destroy()
      return
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port) })
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.setNoDelay(true)
      from.on("data", (bytes) => {
        to.write(bytes)
      })
      from.on("error", () => undefined)
      from.on("end", () => to.end())
      from.on("close", () => {
        to.destroy()
        pairs.delete(pair)
      })
      if (state === "hanging") from.pause()
    }
  })
  await new Promise<void>((resolve) => {
    listener.listen(0, "127.0.0.1", resolve)
  })
  const url = new URL(server)
  url.hostname = "127.0.0.1"
  url.port = String((listener.address() as AddressInfo).port)
  const cut = () => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy()
      upstream.resetAndDestroy()
    }
  }
  return {
    url: url.href,
    get connections() {
      return pairs.size
    },
    cut,
    away() {
      state = "away"
      cut()
    },
    hang() {
      state = "hanging"
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    restore() {
      state = "open"
      for (const pair of pairs) for (const socket of pair) socket.resume()
    },
    inject(bytes) {
      for (const [client] of pairs) client.write(bytes)
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
