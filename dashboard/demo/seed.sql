-- Rows of a shop that has been open for a year. Triggers of foreign keys are off: every reference is made to fit.
SET LOCAL session_replication_role = replica;
SET LOCAL synchronous_commit = off;
SELECT setseed(0.42);

INSERT INTO categories (parent_id, name)
SELECT CASE WHEN n > 8 THEN 1 + n % 8 END, (ARRAY[
    'Kitchen', 'Garden', 'Office', 'Outdoor', 'Lighting', 'Textiles', 'Storage', 'Children'])[1 + (n - 1) % 8]
    || CASE WHEN n > 8 THEN ' ' || (n - 1) / 8 ELSE '' END
FROM generate_series(1, 40) AS n;

INSERT INTO products (category_id, sku, title, description, price_cents, attributes, active, created_at)
SELECT
    1 + n % 40,
    'SKU-' || lpad(n::text, 6, '0'),
    initcap(quality || ' ' || material || ' ' || thing),
    format('A %s %s made of %s. It is %s, keeps its shape for years and fits any room. Designed in %s, packed without plastic and delivered with a spare part.',
           quality, thing, material, (ARRAY['light', 'heavy', 'foldable', 'stackable', 'waterproof'])[1 + n % 5],
           (ARRAY['Oslo', 'Lisbon', 'Kraków', 'Ghent', 'Turin', 'Malmö'])[1 + n % 6]),
    (300 + 20000 * power(random(), 3))::integer,
    jsonb_build_object('colour', (ARRAY['red', 'green', 'blue', 'sand', 'black', 'white'])[1 + n % 6],
                       'material', material, 'weight_g', 50 + n % 4000, 'tags', jsonb_build_array(quality, thing)),
    n % 23 <> 0,
    now() - random() * interval '700 days'
FROM generate_series(1, 6000) AS n
CROSS JOIN LATERAL (SELECT
    (ARRAY['sturdy', 'simple', 'round', 'quiet', 'bright', 'small', 'tall', 'soft'])[1 + n % 8] AS quality,
    (ARRAY['oak', 'steel', 'linen', 'glass', 'cork', 'wool', 'clay', 'brass', 'paper'])[1 + n % 9] AS material,
    (ARRAY['lamp', 'shelf', 'bowl', 'chair', 'basket', 'blanket', 'jug', 'tray', 'clock', 'desk', 'hook'])[1 + n % 11] AS thing
) AS words;

INSERT INTO customers (email, name, locale, marketing, created_at, last_seen_at)
SELECT
    format('customer%s@example.com', n),
    (ARRAY['Ada', 'Noor', 'Ivo', 'Lena', 'Femi', 'Ruta', 'Omar', 'Jana', 'Kai', 'Mei', 'Luca', 'Sanne'])[1 + n % 12] || ' ' ||
    (ARRAY['Berg', 'Costa', 'Novak', 'Lund', 'Adeyemi', 'Moreau', 'Rossi', 'Kaya', 'Silva', 'Meyer', 'Ito'])[1 + n % 11],
    (ARRAY['en', 'de', 'fr', 'pl', 'sv'])[1 + n % 5],
    n % 3 = 0,
    now() - (20001 - n) * interval '30 minutes',
    now() - random() * random() * interval '200 days'
FROM generate_series(1, 20000) AS n;

INSERT INTO addresses (customer_id, line, city, postcode, country, is_default)
SELECT 1 + n % 20000, 'Street ' || n % 700, (ARRAY['Oslo', 'Lisbon', 'Kraków', 'Ghent', 'Turin'])[1 + n % 5],
    lpad((n % 90000)::text, 5, '0'), (ARRAY['NO', 'PT', 'PL', 'BE', 'IT'])[1 + n % 5], n <= 20000
FROM generate_series(1, 26000) AS n;

INSERT INTO orders (customer_id, status, total_cents, placed_at)
SELECT
    1 + floor(20000 * power(random(), 2))::bigint,
    CASE WHEN age < 0.002 THEN 'new' WHEN age < 0.006 THEN 'paid' WHEN age < 0.012 THEN 'packed' WHEN age < 0.03 THEN 'shipped'
         WHEN random() < 0.04 THEN 'returned' ELSE 'delivered' END::order_status,
    (500 + 30000 * power(random(), 3))::integer,
    now() - age * interval '365 days'
FROM (SELECT power(random(), 1.3) AS age FROM generate_series(1, 60000) ORDER BY age DESC) AS ages;

INSERT INTO order_items (order_id, placed_at, line, product_id, quantity, price_cents)
SELECT id, placed_at, line, 1 + floor(6000 * power(random(), 2))::bigint, 1 + floor(3 * random() * random()), 300 + id % 9000
FROM orders CROSS JOIN LATERAL generate_series(1, 1 + (id % 4)::integer) AS line;

INSERT INTO payments (order_id, placed_at, method, amount_cents, reference, settled_at)
SELECT id, placed_at, (ARRAY['card', 'card', 'wallet', 'transfer', 'invoice'])[1 + id % 5]::payment_method, total_cents,
    'pay_' || md5(id::text), placed_at + interval '2 minutes'
FROM orders WHERE status <> 'new';

INSERT INTO inventory (product_id, warehouse, quantity, reserved)
SELECT id, warehouse, 20 + (id * 7 % 400)::integer, (id % 5)::integer
FROM products CROSS JOIN unnest(ARRAY['north', 'south']) AS warehouse;

INSERT INTO reviews (product_id, customer_id, stars, body, approved, created_at)
SELECT 1 + floor(6000 * power(random(), 2))::bigint, 1 + n % 20000, 1 + floor(5 * sqrt(random()))::smallint,
    (ARRAY['Exactly what I looked for', 'Smaller than it looks in the picture', 'A present, and she loves it',
           'Arrived late but well packed', 'The colour is not the one I ordered', 'Would buy it again'])[1 + n % 6]
    || ', ' || (ARRAY['and it still looks new after a year of use.', 'the finish could be better for this price.',
           'delivery took three days.', 'support answered within the hour.'])[1 + n % 4],
    n % 10 <> 0,
    now() - random() * interval '360 days'
FROM generate_series(1, 60000) AS n;

INSERT INTO carts (customer_id, items, updated_at, ordered_at)
SELECT 1 + n % 20000, jsonb_build_array(jsonb_build_object('product', 1 + n % 6000, 'quantity', 1 + n % 3)),
    now() - n * interval '7 minutes', CASE WHEN n % 4 <> 0 THEN now() - n * interval '6 minutes' END
FROM generate_series(1, 5000) AS n;

INSERT INTO sessions (customer_id, user_agent, started_at, ended_at)
SELECT CASE WHEN n % 3 <> 0 THEN 1 + n % 20000 END, 'Mozilla/5.0 (demo ' || n % 40 || ')', now() - n * interval '2 minutes',
    now() - n * interval '2 minutes' + interval '9 minutes'
FROM generate_series(1, 20000) AS n;

INSERT INTO events (session_id, name, properties, at)
SELECT md5((n / 5)::text)::uuid, (ARRAY['view', 'view', 'view', 'search', 'cart', 'checkout'])[1 + n % 6],
    jsonb_build_object('product', 1 + n * 13 % 6000, 'from', (ARRAY['search', 'mail', 'home'])[1 + n % 3]),
    now() - (100001 - n) * interval '20 seconds'
FROM generate_series(1, 100000) AS n;
