import { defineRules } from "rootstock/shared"

/** The rules of the shop that a request can break. */
export const rules = defineRules({
  USER_NOT_FOUND: { status: 404, title: "No such user", cure: "Give the id of a user that exists." },
  ADDRESS_NOT_FOUND: { status: 404, title: "No such address", cure: "Give the id of an address that exists." },
  PRODUCT_NOT_FOUND: { status: 404, title: "No such product", cure: "Give ids of products that exist." },
  EMAIL_EXISTS: { status: 400, title: "E-mail is taken", cure: "Give another e-mail." },
  USERNAME_EXISTS: { status: 400, title: "Username is taken", cure: "Give another username." },
  PRODUCT_NAME_EXISTS: { status: 400, title: "Product name is taken", cure: "Give another name." },
  ADDRESS_NOT_OWNED: { status: 400, title: "Address belongs to another user", cure: "Give an address of the user." },
  PRODUCT_INACTIVE: { status: 400, title: "Product is not sold", cure: "Leave the product out." },
  MIXED_CURRENCY: { status: 400, title: "Products differ in currency", cure: "Place an order for each currency." },
  OUT_OF_STOCK: { status: 400, title: "Out of stock", cure: "Leave the product out." },
  INSUFFICIENT_STOCK: { status: 400, title: "Not enough in stock", cure: "Ask for no more than is available." },
  USER_HAS_ORDERS: { status: 409, title: "User has orders", cure: "Users with orders stay." },
  ADDRESS_IN_USE: { status: 409, title: "Address has orders", cure: "Addresses with orders stay." },
  PRIMARY_REQUIRED: {
    status: 409,
    title: "One address must be primary",
    cure: "Make another address primary instead.",
  },
  PRODUCT_IN_ORDERS: { status: 409, title: "Product has orders", cure: "Set is_active to false instead." },
  ALREADY_PLACED: { status: 409, title: "Order was placed already", cure: "Nothing is left to do." },
})
