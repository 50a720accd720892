const instant = (text: string) => new Date(text)

/** A few values of each type, near each other and at the ends of its range, so that random rows meet. */
export const pools: Record<string, readonly unknown[]> = {
  integer: [1, 0, 2, -1, 7, 10, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  bigint: [1n, 0n, -1n, 10n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  real: [0, 0.1, -0.1, 1, 1e21, -1e-7, 0.30000000000000004, Number.MAX_VALUE],
  decimal: ["0", "1.5", "1.50", "-0.01", "9.99", "10", "9999.99", "-9999.99"],
  wide: ["0", "2", "10", "-3.0001", "12345678901234567890.1234", "12345678901234567890.1235"],
  text: ["a", "", "A", "b", "bad", "é", "Ω", "ω", "ς", "😀", "\ufffd", "a%b", "a_b", 'it\'s \\ "q"'],
  short: ["a", "", "ab", "ABCD", "👩👩👩👩", "İ", "i", "ß"],
  boolean: [true, false],
  timestamp: [
    "2024-02-29T12:00:00.000Z",
    "2024-02-29T12:00:00.001Z",
    "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
  ].map(instant),
  date: ["2024-02-28", "2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31"],
  time: ["00:00:00", "23:59:59", "12:30", "12:30:00"],
  uuid: [
    "018f2a3b-0000-7000-8000-000000000001",
    "018f2a3b-0000-7000-8000-000000000002",
    "FFFFFFFF-ffff-ffff-ffff-ffffffffffff",
  ],
  json: [
    {},
    [],
    null,
    { a: 1, b: [1, { c: null }] },
    { b: [1, { c: null }], a: 1 },
    [1, 1, "x"],
    "x",
    0,
    { aa: "é😀", b: -0 },
  ].filter((one) => one !== null),
  texts: [[], ["a"], ["a", "b"], ["b", "a"], [""], ["NULL", '"', "\\", "{,}"], ["😀"]],
  integers: [[], [1], [1, 2], [2, 1], [Number.MAX_SAFE_INTEGER, -1]],
  bytes: [[], [0], [1], [0, 1], [255, 0]].map((one) => Uint8Array.from(one)),
  choice: ["a", "b", "C"],
}

/** Values that a column of the type refuses. */
export const wrongs: Record<string, readonly unknown[]> = {
  integer: [1.5, 2 ** 53, "1"],
  bigint: [1, 2n ** 63n],
  real: [Number.NaN, "0"],
  decimal: ["0.001", "10000", 1],
  text: ["\0", "\ud800", 1],
  short: ["abcde", "👩👩👩👩👩"],
  choice: ["c"],
  date: ["2023-02-29"],
  timestamp: ["2024-01-01", new Date(Number.NaN)],
  json: [{ a: "\0" }],
  texts: [[1], ["\0"], "a"],
}

export const patterns: readonly string[] = ["%", "a%", "_", "%b", "a\\%b", "a\\_b", "A", "", "__", "%'%"]
export const parts: readonly string[] = ["A", "a", "", "Σ", "ς", "ω", "İ", "I", "ss", "%", "😀", "É"]
