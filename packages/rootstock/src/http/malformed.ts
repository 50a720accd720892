import { randomUUID } from "node:crypto"
import { STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { defineRules } from "../shared/index.ts"
import { problemOf } from "./problem.ts"

const rules = defineRules({
  MALFORMED_REQUEST: { status: 400, title: "Not an HTTP request", cure: "Send a request as RFC 9112 says." },
  REQUEST_TIMEOUT: { status: 408, title: "Request took too long", cure: "Send the whole request sooner." },
  HEADERS_TOO_LARGE: { status: 431, title: "Headers too large", cure: "Send fewer or shorter headers." },
})

/** What the parser of requests says, by its codes. */
const reasons: Readonly<Record<string, readonly [keyof typeof rules.list, string]>> = {
  HPE_HEADER_OVERFLOW: ["HEADERS_TOO_LARGE", "The headers are larger than the server takes."],
  ERR_HTTP_REQUEST_TIMEOUT: ["REQUEST_TIMEOUT", "The request did not arrive in time."],
}

/** Answers what could not be read as a request with a problem document too, and closes the connection. */
export function answerMalformed(error: { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return
  const [code, why] = reasons[error.code ?? ""] ?? ["MALFORMED_REQUEST", "The request is not valid HTTP."]
  const id = randomUUID()
  const problem = problemOf(rules.broken(code, why), id)
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `X-Request-Id: ${id}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ]
  if (socket.writable) socket.write(`${head.join("\r\n")}\r\n\r\n${body}`)
  socket.destroySoon()
}
