import autocannon from "autocannon"

// The load generator, in a process of its own: answers with autocannon's figures for one server.
const [url, connections, seconds, userCount] = process.argv
  .slice(2)
  .map((text, index) => (index === 0 ? text : Number(text))) as [string, number, number, number]

/** A request each for a thousand users across the table; every connection asks for them in turn. */
const requests = Array.from({ length: 1_000 }, (_, index) => ({
  method: "GET" as const,
  path: `/users/${1 + ((index * 7_919) % userCount)}`,
}))

const result = await autocannon({ url, connections, duration: seconds, requests })
process.send?.({
  // Counted by hand: autocannon's average leaves out the last part of a second.
  rate: result["2xx"] / result.duration,
  p50: result.latency.p50,
  p99: result.latency.p99,
  failed: result.errors + result.timeouts + result.non2xx,
})
process.disconnect?.()
