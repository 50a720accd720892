import { rowId } from "rootstock/fields"
import { type Route, route } from "rootstock/http"
import { commonRules } from "rootstock/shared"
import { address, addressChanges, addressPage, newAddress, pageQuery } from "../fields.ts"
import { rules } from "../rules.ts"
import type { Services } from "../services/index.ts"

const tag = "addresses"
const ofUser = { userId: rowId }
const params = { addressId: rowId }
const absent = commonRules.pick("NOT_FOUND")

export function addressRoutes({ addresses }: Services): Route[] {
  return [
    route(
      "GET",
      "/users/{user_id}/addresses",
      {
        summary: "Addresses of a user by id",
        tag,
        params: ofUser,
        query: pageQuery,
        answer: addressPage,
        refusals: absent,
      },
      async ({ params: { userId }, query }) => {
        const { rows, total } = await addresses.page(userId, query)
        return { addresses: rows, total }
      },
    ),
    route(
      "POST",
      "/users/{user_id}/addresses",
      {
        summary: "Add an address to a user",
        description: "The first address of a user is the primary one.",
        tag,
        params: ofUser,
        body: newAddress,
        answer: address,
        status: 201,
        refusals: absent,
      },
      ({ params: { userId }, body }) => addresses.create(userId, body),
    ),
    route(
      "GET",
      "/addresses/{address_id}",
      { summary: "One address", tag, params, answer: address, refusals: absent },
      ({ params: { addressId } }) => addresses.get(addressId),
    ),
    route(
      "PUT",
      "/addresses/{address_id}",
      {
        summary: "Change an address",
        description:
          "`is_primary: true` takes it from the address that had it. Orders keep the address they were placed with.",
        tag,
        params,
        body: addressChanges,
        answer: address,
        refusals: { ...absent, ...rules.pick("PRIMARY_REQUIRED") },
      },
      ({ params: { addressId }, body }) => addresses.update(addressId, body),
    ),
    route(
      "DELETE",
      "/addresses/{address_id}",
      {
        summary: "Delete an address",
        description: "Where it was the primary one, the newest that remains takes its place.",
        tag,
        params,
        refusals: { ...absent, ...rules.pick("ADDRESS_IN_USE") },
      },
      ({ params: { addressId } }) => addresses.delete(addressId),
    ),
  ]
}
