import { randomFillSync } from "node:crypto"
import { systemClock } from "../clock/index.ts"

const pool = new Uint8Array(16 * 256)
let used = pool.length
let lastTime = 0
let sequence = 0

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/**
 * A UUID of version 7: 48 bits of time in milliseconds, a 12-bit counter within the millisecond, 62 random bits.
 * Those of one process sort in the order in which they were made.
 * https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function uuidv7(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = pool.subarray(used, used + 16)
  used += 16
  const time = systemClock.now().getTime()
  if (time > lastTime) {
    lastTime = time
    sequence = (bytes[6]! & 0x07) << 8
  } else if (++sequence > 0xfff) {
    lastTime++
    sequence = 0
  }
  let value = lastTime
  for (let index = 5; index >= 0; index--) {
    bytes[index] = value % 256
    value = Math.floor(value / 256)
  }
  bytes[6] = 0x70 | (sequence >> 8)
  bytes[7] = sequence & 0xff
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  let text = ""
  for (let index = 0; index < 16; index++) {
    text += hex[bytes[index]!]
    if (index === 3 || index === 5 || index === 7 || index === 9) text += "-"
  }
  return text
}
