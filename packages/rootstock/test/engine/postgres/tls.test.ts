import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, it } from "node:test"
import { createSecureContext, TLSSocket } from "node:tls"
import { openPostgres } from "../../../src/engine/postgres/index.ts"
import { UnavailableError } from "../../../src/errors/index.ts"
import { forEachServer, query } from "./support.ts"

const folder = mkdtempSync(join(tmpdir(), "rootstock-tls-"))
after(() => rmSync(folder, { recursive: true, force: true }))
const keyFile = join(folder, "key.pem")
const certificateFile = join(folder, "certificate.pem")
const { status } = spawnSync("openssl", [
  ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost".split(" "),
  ...["-keyout", keyFile, "-out", certificateFile],
])

forEachServer("TLS", (_open, serverUrl) => {
  it("encrypts the way to the server as sslmode says", {
    skip: status === 0 ? false : "needs the command openssl",
  }, async () => {
    const server = new URL(serverUrl)
    const secureContext = createSecureContext({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) })
    let encrypted = 0
    // Stands before a server that offers no TLS, answers the SSLRequest and passes on what it decrypts.
    const listener = createServer((client) => {
      client.on("error", () => undefined)
      client.once("data", () => {
        client.write("S")
        const plain = new TLSSocket(client, { isServer: true, secureContext })
        const upstream = connect(Number(server.port || 5432), server.hostname)
        plain.on("secure", () => encrypted++).on("error", () => upstream.destroy())
        upstream.on("error", () => plain.destroy()).on("close", () => plain.destroy())
        plain
          .on("close", () => upstream.destroy())
          .pipe(upstream)
          .pipe(plain)
      })
    })
    listener.listen(0, "127.0.0.1")
    await once(listener, "listening")
    const url = new URL(serverUrl)
    url.hostname = "localhost"
    url.port = String((listener.address() as AddressInfo).port)
    const open = (settings: string) => {
      url.search = settings
      return openPostgres({ url, connectDelaysMs: [] })
    }
    try {
      for (const settings of [
        "sslmode=require",
        "sslmode=prefer",
        `sslmode=verify-full&sslrootcert=${certificateFile}`,
      ]) {
        const before = encrypted
        const engine = await open(settings)
        assert.deepEqual(await engine.first(query("SELECT repeat('x', $1::integer)"), ["100000"]), [
          "x".repeat(100_000),
        ])
        await engine.close()
        assert.equal(encrypted, before + 1)
      }
      await assert.rejects(open("sslmode=verify-full"), UnavailableError)
    } finally {
      listener.close()
    }
  })
})
