import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { firesAfter, parseCron } from "../../src/schedule/index.ts"

type Case = {
  readonly title: string
  readonly zone: string
  readonly cron: string
  /** Fires strictly after this instant are looked at. */
  readonly after: string
  /** Wall times with their offsets. */
  readonly fires: readonly string[]
}

const cases: readonly Case[] = [
  {
    title: "shifts a time in the gap past it, and fires it once",
    zone: "Europe/Berlin",
    cron: "30 2 * * *",
    after: "2026-03-28T02:00:00Z",
    fires: ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"],
  },
  {
    title: "fires once where a shifted time meets one that is there anyway",
    zone: "Europe/Berlin",
    cron: "30 2,3 * * *",
    after: "2026-03-28T12:00:00Z",
    fires: ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00", "2026-03-30T03:30+02:00"],
  },
  {
    title: "fires a time that comes twice at its first pass",
    zone: "Europe/Berlin",
    cron: "30 2 * * *",
    after: "2026-10-24T12:00:00Z",
    fires: ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
  },
  {
    title: "does not fire in the second pass when asked from within it",
    zone: "Europe/Berlin",
    cron: "30 2 * * *",
    after: "2026-10-25T01:15:00Z",
    fires: ["2026-10-26T02:30+01:00"],
  },
  {
    title: "fires every hour of elapsed time over a gap",
    zone: "America/New_York",
    cron: "0 * * * *",
    after: "2026-03-08T05:30:00Z",
    fires: ["2026-03-08T01:00-05:00", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"],
  },
  {
    title: "fires every hour of elapsed time over an overlap",
    zone: "America/New_York",
    cron: "0 * * * *",
    after: "2026-11-01T04:30:00Z",
    fires: ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"],
  },
  {
    title: "fires steps of minutes in both passes, also where hours are named",
    zone: "Europe/Berlin",
    cron: "*/30 1-3 * * *",
    after: "2026-10-25T00:15:00Z",
    fires: [
      "2026-10-25T02:30+02:00",
      "2026-10-25T02:00+01:00",
      "2026-10-25T02:30+01:00",
      "2026-10-25T03:00+01:00",
      "2026-10-25T03:30+01:00",
      "2026-10-26T01:00+01:00",
    ],
  },
  {
    title: "shifts steps of minutes whose hour is skipped",
    zone: "Europe/Berlin",
    cron: "*/30 2 * * *",
    after: "2026-03-28T12:00:00Z",
    fires: ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00", "2026-03-30T02:00+02:00"],
  },
  {
    title: "fires every six hours once each, where one of them is skipped",
    zone: "America/Sao_Paulo",
    cron: "0 */6 * * *",
    after: "2018-11-03T20:30:00Z",
    fires: ["2018-11-03T18:00-03:00", "2018-11-04T01:00-02:00", "2018-11-04T06:00-02:00"],
  },
  {
    title: "fires midnight on a day that begins at one o'clock",
    zone: "America/Sao_Paulo",
    cron: "0 0 * * *",
    after: "2018-11-03T12:00:00Z",
    fires: ["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"],
  },
  {
    title: "fires a midnight of one day of the year that is skipped, and then not before the next year",
    zone: "America/Sao_Paulo",
    cron: "0 0 4 11 *",
    after: "2018-01-01T00:00:00Z",
    fires: ["2018-11-04T01:00-02:00", "2019-11-04T00:00-03:00"],
  },
  {
    title: "fires an hour before midnight once on the day that has it twice",
    zone: "America/Sao_Paulo",
    cron: "30 23 * * *",
    after: "2018-02-17T12:00:00Z",
    fires: ["2018-02-17T23:30-02:00", "2018-02-18T23:30-03:00"],
  },
  {
    title: "fires midnight once on the day that has it twice",
    zone: "America/Havana",
    cron: "0 0 * * *",
    after: "2026-10-31T12:00:00Z",
    fires: ["2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"],
  },
  {
    title: "knows a gap at midnight of a Friday",
    zone: "Africa/Cairo",
    cron: "15 0 * * *",
    after: "2024-04-25T12:00:00Z",
    fires: ["2024-04-26T01:15+03:00", "2024-04-27T00:15+03:00"],
  },
  {
    title: "knows an overlap before midnight of a Thursday",
    zone: "Africa/Cairo",
    cron: "15 23 * * *",
    after: "2024-10-31T12:00:00Z",
    fires: ["2024-10-31T23:15+03:00", "2024-11-01T23:15+02:00"],
  },
  {
    title: "shifts by half an hour where the clock jumps half an hour",
    zone: "Australia/Lord_Howe",
    cron: "15 2 * * *",
    after: "2026-10-03T12:00:00Z",
    fires: ["2026-10-04T02:45+11:00", "2026-10-05T02:15+11:00"],
  },
  {
    title: "fires once in an overlap of half an hour",
    zone: "Australia/Lord_Howe",
    cron: "45 1 * * *",
    after: "2026-04-04T12:00:00Z",
    fires: ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
  },
  {
    title: "fires each quarter of an hour over an overlap of half an hour",
    zone: "Australia/Lord_Howe",
    cron: "*/15 * * * *",
    after: "2026-04-04T14:30:00Z",
    fires: ["2026-04-05T01:45+11:00", "2026-04-05T01:30+10:30", "2026-04-05T01:45+10:30", "2026-04-05T02:00+10:30"],
  },
  {
    title: "fires each quarter of an hour over a gap of half an hour",
    zone: "Australia/Lord_Howe",
    cron: "*/15 * * * *",
    after: "2026-10-03T15:00:00Z",
    fires: ["2026-10-04T01:45+10:30", "2026-10-04T02:30+11:00", "2026-10-04T02:45+11:00"],
  },
  {
    title: "does not shift where every hour is allowed: fires are the instants whose wall time fits",
    zone: "Australia/Lord_Howe",
    cron: "15 * * * *",
    after: "2026-10-03T14:30:00Z",
    fires: ["2026-10-04T01:15+10:30", "2026-10-04T03:15+11:00", "2026-10-04T04:15+11:00"],
  },
  {
    title: "shifts by two hours where the clock jumps two hours",
    zone: "Antarctica/Troll",
    cron: "30 1,2 * * *",
    after: "2026-03-28T12:00:00Z",
    fires: ["2026-03-29T03:30+02:00", "2026-03-29T04:30+02:00", "2026-03-30T01:30+02:00"],
  },
  {
    title: "has no midnight of its own on a day that does not exist",
    zone: "Pacific/Apia",
    cron: "0 0 * * *",
    after: "2011-12-29T00:00:00Z",
    fires: ["2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00", "2012-01-01T00:00+14:00"],
  },
  {
    title: "fires a date that does not exist on the day after",
    zone: "Pacific/Apia",
    cron: "0 9 30 12 *",
    after: "2011-12-01T00:00:00Z",
    fires: ["2011-12-31T09:00+14:00", "2012-12-30T09:00+14:00"],
  },
  {
    title: "knows the clock changes of 2011 and 2014, between which Moscow kept summer time",
    zone: "Europe/Moscow",
    cron: "30 2 * * 0",
    after: "2011-03-26T12:00:00Z",
    fires: ["2011-03-27T03:30+04:00", "2011-04-03T02:30+04:00"],
  },
  {
    title: "fires once in Moscow's last overlap",
    zone: "Europe/Moscow",
    cron: "30 1 * * *",
    after: "2014-10-25T12:00:00Z",
    fires: ["2014-10-26T01:30+04:00", "2014-10-27T01:30+03:00"],
  },
  {
    title: "is plain in a zone that gave its clock changes up",
    zone: "Asia/Tehran",
    cron: "30 0 22 3 *",
    after: "2021-06-01T00:00:00Z",
    fires: ["2022-03-22T01:30+04:30", "2023-03-22T00:30+03:30", "2024-03-22T00:30+03:30"],
  },
  {
    title: "knows negative summer time",
    zone: "Europe/Dublin",
    cron: "30 1 * * *",
    after: "2026-03-28T12:00:00Z",
    fires: ["2026-03-29T02:30+01:00", "2026-03-30T01:30+01:00"],
  },
  {
    title: "knows summer time that stops for Ramadan",
    zone: "Africa/Casablanca",
    cron: "30 2 * * *",
    after: "2024-03-09T12:00:00Z",
    fires: ["2024-03-10T02:30+01:00", "2024-03-11T02:30+00:00"],
  },
  {
    title: "knows a change of a zone that was no summer time",
    zone: "America/Caracas",
    cron: "45 2 * * *",
    after: "2016-04-30T12:00:00Z",
    fires: ["2016-05-01T03:15-04:00", "2016-05-02T02:45-04:00"],
  },
  {
    title: "takes seconds over an overlap",
    zone: "Europe/Berlin",
    cron: "59 59 2 * * *",
    after: "2026-10-24T12:00:00Z",
    fires: ["2026-10-25T02:59:59+02:00", "2026-10-26T02:59:59+01:00"],
  },
  {
    title: "takes seconds into a gap",
    zone: "Europe/Berlin",
    cron: "30 59 1,2 * * *",
    after: "2026-03-28T12:00:00Z",
    fires: ["2026-03-29T01:59:30+01:00", "2026-03-29T03:59:30+02:00", "2026-03-30T01:59:30+02:00"],
  },
  {
    title: "keeps to the offset of a zone given as one",
    zone: "+05:45",
    cron: "0 0 * * *",
    after: "2026-03-28T12:00:00Z",
    fires: ["2026-03-29T00:00+05:45", "2026-03-30T00:00+05:45"],
  },
]

describe("clock changes", () => {
  for (const { title, zone, cron, after, fires } of cases) {
    it(`${zone}, ${cron}: ${title}`, () => {
      const found: string[] = []
      for (const fire of firesAfter(parseCron(cron), zone, new Date(after))) {
        found.push(wall(fire, zone))
        if (found.length === fires.length) break
      }
      assert.deepEqual(found, fires)
    })
  }
})

function wall(instant: Date, zone: string): string {
  const time = Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone)
  const smallestUnit = time.second === 0 ? "minute" : "second"
  return time.toString({ timeZoneName: "never", smallestUnit })
}
