import type { FastifyRequest } from "fastify"
import { isLoopback } from "./listen.ts"

/** Headers that proxies add. */
const proxyHeaders = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"]

/**
 * Whether a request was made on this machine: by its socket, and by no proxy that says so. What proxies say of callers is
 * believed of nobody here, not even of those that are trusted to name them.
 */
export function comesFromThisMachine({ raw: { socket }, headers }: FastifyRequest): boolean {
  return isLoopback(socket.remoteAddress ?? "") && !proxyHeaders.some((name) => name in headers)
}

/** Whether users reach the server from other machines, by a proxy that may say nothing: then each looks as if it were here. */
export function isBeyondThisMachine(publicUrl: string | undefined): boolean {
  return publicUrl !== undefined && !isLoopback(hostnameOf(new URL(publicUrl).host) ?? "")
}

/** The name or address in `host:port`; undefined where it is none. */
export function hostnameOf(host: string): string | undefined {
  const [, address, name] = /^(?:\[([\da-f:.]+)\]|([^:@/?#\s]+))(?::\d+)?$/i.exec(host) ?? []
  return address ?? name
}
