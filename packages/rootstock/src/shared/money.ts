/**
 * The most minor units that an amount may have: 10^15. Up to here the number in JSON prints with its two decimals exactly.
 */
export const mostCents = 1_000_000_000_000_000

/**
 * Minor units of an amount, read from the digits of the number and never computed with fractions; `undefined` where the
 * number has more than two decimals, is negative, or exceeds {@link mostCents}.
 *
 * ### Examples
 *
 * ```ts
 * centsFromAmount(19.99) // 1999, where 19.99 * 100 is 1998.9999999999998
 * ```
 */
export function centsFromAmount(amount: number): number | undefined {
  const digits = /^(\d+)(?:\.(\d{1,2}))?$/.exec(String(amount))
  if (digits === null) return undefined
  const cents = Number(digits[1]) * 100 + Number((digits[2] ?? "").padEnd(2, "0"))
  return cents <= mostCents ? cents : undefined
}

/** The amount of minor units; the division gives the number whose digits are the amount's. */
export function amountFromCents(cents: number): number {
  return cents / 100
}
