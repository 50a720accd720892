import { rounded } from "../run/report.ts"
import { median, ratio, spread } from "../run/statistics.ts"

export const tableRow = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`

/** Rates of contestants, and what Rootstock's is of each. */
export function ratesTable<Form extends string>(
  entrants: readonly { form: Form; title: string }[],
  rates: ReadonlyMap<Form, readonly number[]>,
  options: {
    /** What is counted, e.g. `hits a second`. */
    of: string
    /** By form, what Rootstock's rate must be of it. */
    targets: Partial<Record<Form, number>>
    /** What Rootstock's rate must be of the best of `peers`. */
    bestPeer?: number
    peers?: readonly Form[]
  },
): string {
  const mine = entrants.find(({ title }) => title === "Rootstock")?.form
  const own = mine === undefined ? [] : (rates.get(mine) ?? [])
  const ratios = new Map(entrants.map(({ form }) => [form, ratio(own, rates.get(form) ?? [])]))
  const against = (form: Form): number => ratios.get(form) ?? Number.NaN
  const best = options.peers?.toSorted((left, right) => against(left) - against(right))[0]
  const lines = [
    tableRow(["", options.of, "±", "Rootstock's ratio to it", "target"]),
    tableRow(["---", "---:", "---:", "---:", "---"]),
  ]
  for (const { form, title } of entrants) {
    const figures = rates.get(form) ?? []
    const compared = form !== mine && own.length > 0
    const wanted = form === best ? options.bestPeer : options.targets[form]
    lines.push(
      tableRow([
        title,
        rounded(median(figures)),
        `${Math.round(spread(figures) * 100)} %`,
        compared ? against(form).toFixed(2) : "",
        compared && wanted !== undefined ? verdict(against(form) >= wanted, `≥ ${wanted}`) : "",
      ]),
    )
  }
  return [...lines, ""].join("\n")
}

/** How each contestant was used, as a list. */
export function usedAs(opened: Iterable<{ title: string; form: string }>): string[] {
  return ["How each is used:", "", ...[...opened].map(({ title, form }) => `- ${title}: ${form}`), ""]
}

export const verdict = (passed: boolean, wanted: string): string => `${passed ? "pass" : "**miss**"}: ${wanted}`
