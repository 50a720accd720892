import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { ValidationError } from "../../src/errors/index.ts"
import { firesAfter, nextFire, parseCron, shortestInterval } from "../../src/schedule/index.ts"

/** The first fires in UTC, as `MM-DD HH:MM:SS`. */
function first(cron: string, count: number, after = "2026-01-01T00:00:00Z"): string[] {
  const found: string[] = []
  for (const fire of firesAfter(parseCron(cron), "UTC", new Date(after))) {
    found.push(fire.toISOString().slice(5, 19).replace("T", " "))
    if (found.length === count) break
  }
  return found
}

describe("parseCron", () => {
  const taken: [cron: string, fires: string[]][] = [
    ["*/20 * * * *", ["01-01 00:20:00", "01-01 00:40:00", "01-01 01:00:00"]],
    ["0 */6 * * *", ["01-01 06:00:00", "01-01 12:00:00"]],
    ["0 0 * * 1", ["01-05 00:00:00", "01-12 00:00:00"]],
    ["  0   9 * *\tMON-fri ", ["01-01 09:00:00", "01-02 09:00:00", "01-05 09:00:00"]],
    ["5,10-12 3 * * *", ["01-01 03:05:00", "01-01 03:10:00", "01-01 03:11:00", "01-01 03:12:00", "01-02 03:05:00"]],
    ["0 8-18/5 * * *", ["01-01 08:00:00", "01-01 13:00:00", "01-01 18:00:00", "01-02 08:00:00"]],
    ["50/4 0 * * *", ["01-01 00:50:00", "01-01 00:54:00", "01-01 00:58:00", "01-02 00:50:00"]],
    ["*/25 * * * * *", ["01-01 00:00:25", "01-01 00:00:50", "01-01 00:01:00"]],
    ["0 0 * JAN,dec 7", ["01-04 00:00:00", "01-11 00:00:00"]],
    ["0 0 * * sat-sun", ["01-03 00:00:00", "01-04 00:00:00", "01-10 00:00:00"]],
    ["0 0 * * 5-7", ["01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00", "01-09 00:00:00"]],
    ["0 0 ? * *", ["01-02 00:00:00"]],
    // Days and weekdays that are both restricted: either is enough. With a star in one, both must hold.
    ["0 0 13 * FRI", ["01-02 00:00:00", "01-09 00:00:00", "01-13 00:00:00", "01-16 00:00:00"]],
    ["0 0 */10 * FRI", ["05-01 00:00:00", "07-31 00:00:00"]],
    ["0 0 L * *", ["01-31 00:00:00", "02-28 00:00:00", "03-31 00:00:00"]],
    ["0 0 1,L 2 *", ["02-01 00:00:00", "02-28 00:00:00", "02-01 00:00:00"]],
    ["0 0 * * 5L", ["01-30 00:00:00", "02-27 00:00:00"]],
    ["0 0 * * MON#1,THU#5", ["01-05 00:00:00", "01-29 00:00:00", "02-02 00:00:00", "03-02 00:00:00"]],
    ["@hourly", ["01-01 01:00:00"]],
    ["@daily", ["01-02 00:00:00"]],
    ["@midnight", ["01-02 00:00:00"]],
    ["@weekly", ["01-04 00:00:00"]],
    ["@monthly", ["02-01 00:00:00"]],
    ["@Yearly", ["01-01 00:00:00"]],
    ["@annually", ["01-01 00:00:00"]],
  ]
  for (const [cron, fires] of taken) {
    it(`takes ${cron}`, () => assert.deepEqual(first(cron, fires.length), fires))
  }

  it("finds a leap day across a century without one", () => {
    assert.equal(
      nextFire(parseCron("0 0 29 2 *"), "UTC", new Date("2096-03-01T00:00:00Z"))?.toISOString(),
      "2104-02-29T00:00:00.000Z",
    )
    assert.equal(
      nextFire(parseCron("0 0 * FEB SUN#5"), "UTC", new Date("2026-01-01T00:00:00Z"))?.toISOString(),
      "2032-02-29T00:00:00.000Z",
    )
  })

  const refused: [cron: string, message: RegExp, cure: RegExp][] = [
    ["", /has 0 fields/, /five/],
    ["* * * *", /has 4 fields/, /minutes, hours/],
    ["0 0 1 1 * * 2026", /has 7 fields/, /seconds/],
    ["60 * * * *", /1st field \(minutes\), at "60": 60 is not within 0 to 59/, /minutes from 0 to 59/],
    ["0 24 * * *", /2nd field \(hours\), at "24": 24 is not within 0 to 23/, /hours from 0 to 23/],
    ["0 0 0 * *", /3rd field \(days of the month\), at "0"/, /1 to 31/],
    ["0 0 * 13 *", /4th field \(months\)/, /1 to 12/],
    ["0 0 * * 8", /5th field \(weekdays\)/, /0 to 7/],
    ["61 * * * * *", /1st field \(seconds\)/, /seconds/],
    ["0 0 * * MOM", /at "MOM": "MOM" is not understood/, /SUN to SAT/],
    ["0 0 * JANUARY *", /"JANUARY" is not understood/, /JAN to DEC/],
    ["1,,2 * * * *", /a value is missing/, /list with commas/],
    ["0 22-2 * * *", /runs backwards/, /22-23,0-2/],
    ["*/0 * * * *", /"0" is no step/, /1 to 60/],
    ["*/x * * * *", /"x" is no step/, /whole number/],
    ["*/90 * * * *", /step of 90 is longer/, /up to 60/],
    ["1-2-3 * * * *", /"2-3" is not understood/, /range/],
    ["1.5 * * * *", /"1.5" is not understood/, /range/],
    ["-1 * * * *", /a value is missing/, /range/],
    ["? * * * *", /"\?" is not understood/, /\*/],
    ["0 0 * * 5#6", /"6" is no number of a week/, /1 to 5/],
    ["0 0 * * #2", /a value is missing/, /0 to 7/],
    ["0 0 15W * *", /"15W" is not understood/, /1 to 31/],
    ["0 0 30 2 *", /never fires/, /30 February/],
    ["0 0 31 FEB,APR,jun *", /never fires/, /months/],
    ["@reboot", /no known nickname/, /@daily/],
    ["* * * * *".repeat(30), /at most 200 characters/, /five fields/],
  ]
  for (const [cron, message, cure] of refused) {
    it(`refuses ${cron.slice(0, 30) || "nothing"}, and says what, where and how to mend it`, () => {
      assert.throws(
        () => parseCron(cron),
        (error) => error instanceof ValidationError && message.test(error.message) && cure.test(error.cure),
      )
    })
  }
})

describe("shortestInterval", () => {
  const intervals: [cron: string, seconds: number | undefined][] = [
    ["*/5 * * * *", 300],
    ["0,4 * * * *", 240],
    ["58,1 * * * *", 180],
    ["59 23,0 * * *", 3_600],
    ["0 0 * * *", 86_400],
    ["1 0,23 * * MON", 82_800],
    ["0 0 1 * *", undefined],
    ["0 0 1,L * *", 86_400],
    ["* * * * * *", 1],
  ]
  for (const [cron, seconds] of intervals) {
    it(`of ${cron} is ${seconds ?? "not to be found within a day"}`, () => {
      assert.equal(shortestInterval(parseCron(cron)), seconds === undefined ? undefined : seconds * 1_000)
    })
  }
})
