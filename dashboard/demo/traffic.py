"""What the visitors of the demo shop make its database do."""

import json
import random
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
PRODUCTS, CUSTOMERS = 6_000, 20_000
MOST_EVENTS, MOST_ORDERS = 150_000, 90_000
QUALITIES = ("sturdy", "simple", "round", "quiet", "bright", "small", "tall", "soft")
MATERIALS = ("oak", "steel", "linen", "glass", "cork", "wool", "clay", "brass", "paper")

PRODUCT = """
SELECT p.id, p.title, p.price_cents, p.attributes, c.name AS category, sum(i.quantity - i.reserved) AS available
FROM products AS p
JOIN categories AS c ON c.id = p.category_id
JOIN inventory AS i ON i.product_id = p.id
WHERE p.id = %s
GROUP BY p.id, c.name
"""
REVIEWS = (
    "SELECT stars, body, created_at FROM reviews WHERE product_id = %s AND approved ORDER BY created_at DESC LIMIT 10"
)
SEARCH_BY_PATTERN = """
SELECT p.id, p.title, p.price_cents, count(r.id) AS reviews, avg(r.stars) AS stars
FROM products AS p
LEFT JOIN reviews AS r ON r.product_id = p.id AND r.approved
WHERE p.title || ' ' || p.description ILIKE %s AND p.title || ' ' || p.description ILIKE %s
GROUP BY p.id
ORDER BY reviews DESC
LIMIT 20
"""
SEARCH_BY_INDEX = """
SELECT p.id, p.title, p.price_cents
FROM products AS p
WHERE p.search @@ plainto_tsquery('english', %s)
ORDER BY p.price_cents
LIMIT 20
"""
ALSO_IN_CATEGORY = """
SELECT id, title, price_cents
FROM products
WHERE category_id = (SELECT category_id FROM products WHERE id = %s) AND active
ORDER BY created_at DESC
LIMIT 5
"""
ALSO_BOUGHT = """
SELECT other.product_id, count(*) AS together
FROM order_items AS item
JOIN order_items AS other ON other.order_id = item.order_id AND other.product_id <> item.product_id
WHERE item.product_id IN (SELECT id FROM products WHERE category_id = (SELECT category_id FROM products WHERE id = %s))
GROUP BY other.product_id
ORDER BY together DESC
LIMIT 5
"""
BY_COLOUR = "SELECT id, title FROM products WHERE attributes @> %s::jsonb ORDER BY id LIMIT 20"
MY_ORDERS = (
    "SELECT id, status, total_cents, placed_at FROM orders WHERE customer_id = %s ORDER BY placed_at DESC LIMIT 10"
)
PAYMENT = "SELECT id, order_id, method, amount_cents, settled_at FROM payments WHERE reference = %s"
REVENUE = "SELECT day, orders, total_cents FROM daily_revenue WHERE day > now() - interval '90 days' ORDER BY day"
EVENT = "INSERT INTO events (session_id, name, properties) VALUES (gen_random_uuid(), %s, %s::jsonb)"
RESERVE = """
UPDATE inventory SET reserved = (reserved + 1) %% 20, counted_at = now() WHERE product_id = %s AND warehouse = %s
"""
TOUCH_CART = """
UPDATE carts SET updated_at = now(), items = %s::jsonb
WHERE id = (SELECT id FROM carts WHERE ordered_at IS NULL ORDER BY updated_at LIMIT 1)
"""
ORDER = "INSERT INTO orders (customer_id, total_cents) VALUES (%s, %s) RETURNING id, placed_at"
ITEM = """
INSERT INTO order_items (order_id, placed_at, line, product_id, quantity, price_cents) VALUES (%s, %s, %s, %s, 1, %s)
"""
PAY = """
INSERT INTO payments (order_id, placed_at, method, amount_cents, reference)
VALUES (%s, %s, 'card', %s, 'pay_' || md5(random()::text))
"""
PAID = "UPDATE orders SET status = 'paid' WHERE id = %s AND placed_at = %s"
TRIM_EVENTS = "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - %s"
TRIM_ORDERS = """
DELETE FROM orders
WHERE id <= (SELECT max(id) FROM orders) - %s AND id < (SELECT min(id) FROM orders) + 500
"""


@dataclass(frozen=True)
class Wishes:
    """What the shop's flags ask for."""

    fast_search: bool = False
    recommendations: str = "simple"
    level: int = 3


def visit(connection: Connection, wishes: Wishes, dice: random.Random) -> None:
    """One person looks around, and now and then buys."""
    product, customer = _favourite(dice, PRODUCTS), _favourite(dice, CUSTOMERS)
    connection.execute(PRODUCT, [product])
    connection.execute(REVIEWS, [product])
    connection.execute(EVENT, ["view", json.dumps({"product": product, "from": "home"})])
    _recommend(connection, wishes, product)
    if dice.random() < 0.5:
        _search(connection, wishes, dice)
    if dice.random() < 0.3:
        connection.execute(MY_ORDERS, [customer])
        connection.execute(BY_COLOUR, [json.dumps({"colour": dice.choice(("red", "sand", "blue"))})])
    if dice.random() < 0.25:
        connection.execute(PAYMENT, [f"pay_{dice.getrandbits(128):032x}"])
    if dice.random() < 0.3:
        connection.execute(RESERVE, [product, dice.choice(("north", "south"))])
        connection.execute(TOUCH_CART, [json.dumps([{"product": product, "quantity": 1}])])
    if dice.random() < 0.05:
        _buy(connection, customer, [_favourite(dice, PRODUCTS) for _ in range(dice.randint(1, 4))])


def report(connection: Connection) -> None:
    """What the office looks at once a minute."""
    connection.execute(REVENUE)


def trim(connection: Connection) -> None:
    """Keep the newest events and orders, so that the demo never fills a disk."""
    connection.execute(TRIM_EVENTS, [MOST_EVENTS])
    connection.execute(TRIM_ORDERS, [MOST_ORDERS])


def _search(connection: Connection, wishes: Wishes, dice: random.Random) -> None:
    quality, material = dice.choice(QUALITIES), dice.choice(MATERIALS)
    if wishes.fast_search:
        connection.execute(SEARCH_BY_INDEX, [f"{quality} {material}"])
    else:
        connection.execute(SEARCH_BY_PATTERN, [f"%{quality}%", f"%{material}%"])


def _recommend(connection: Connection, wishes: Wishes, product: int) -> None:
    if wishes.recommendations == "heavy":
        connection.execute(ALSO_BOUGHT, [product])
    elif wishes.recommendations != "off":
        connection.execute(ALSO_IN_CATEGORY, [product])


def _buy(connection: Connection, customer: int, products: list[int]) -> None:
    total_cents = 1_900 * len(products)
    with connection.transaction():
        order = connection.execute(ORDER, [customer, total_cents]).fetchone()
        assert order is not None  # noqa: S101 - RETURNING
        for line, product in enumerate(products, 1):
            connection.execute(ITEM, [*order, line, product, 1_900])
        connection.execute(PAY, [*order, total_cents])
        connection.execute(PAID, list(order))


def _favourite(dice: random.Random, number: int) -> int:
    """A few are asked for often, most of them rarely."""
    return 1 + int(number * dice.random() ** 2)
