import type { LoadedChat } from "../../../systems/assistants/test/load.ts"

/** Founds an organization at a server that takes sign-ups, with five people who take part in each of some chats. */
export async function makeGroups(address: string, count: number): Promise<LoadedChat[]> {
  const password = "a password of the load"
  const call = async <A>(path: string, body: object, token?: string): Promise<A> => {
    const response = await fetch(new URL(path, address), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as A
  }
  const userOf = (number: number) => {
    const username = `person${number}`
    return { name: `Person ${number}`, username, email: `${username}@example.com`, password }
  }
  const signIn = async (number: number): Promise<string> =>
    (await call<{ access_token: string }>("/auth/login", { email: userOf(number).email, password })).access_token
  const organization = { name: "Load", slug: "load" }
  const founded = await call<{ user: { id: string } }>("/auth/register", { organization, user: userOf(0) })
  const tokens = [await signIn(0)]
  const ids: string[] = [founded.user.id]
  for (let number = 1; number < 5; number += 1) {
    const { id } = await call<{ id: string }>("/users", userOf(number), tokens[0])
    ids.push(id)
    tokens.push(await signIn(number))
  }
  const chats: LoadedChat[] = []
  for (let number = 0; number < count; number += 1) {
    const { id } = await call<{ id: string }>("/chats/group", { name: `Group ${number}`, participants: ids }, tokens[0])
    chats.push({ id, token: tokens[number % tokens.length] as string })
  }
  return chats
}
