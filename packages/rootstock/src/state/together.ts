/** Loads values by their keys, those that are asked for at once in one go. */
export function together<V>(
  loadMany: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>,
): (key: string) => Promise<V | undefined> {
  let keys: string[] = []
  let loading: Promise<ReadonlyMap<string, V>> | undefined
  const load = () => {
    const asked = keys
    keys = []
    loading = undefined
    return loadMany(asked)
  }
  return async (key) => {
    keys.push(key)
    loading ??= Promise.resolve().then(load)
    return (await loading).get(key)
  }
}
