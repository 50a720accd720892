import { progress } from "./progress.ts"

/**
 * Has a slice of each in every round, each round in another order, so that what slows the machine down for a while slows
 * all of them; what every slice gave, by name, in the order of the rounds.
 */
export async function inRounds<Name extends string, Slice>(
  what: string,
  names: readonly Name[],
  rounds: number,
  slice: (name: Name) => Promise<Slice>,
): Promise<Map<Name, Slice[]>> {
  const slices = new Map<Name, Slice[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length] as Name
      progress(`${what}round ${round + 1} of ${rounds}, ${name}`)
      slices.get(name)?.push(await slice(name))
    }
  }
  return slices
}
