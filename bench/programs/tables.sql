-- A table in memory: filled, indexed, grouped, joined and half deleted. $rows stands for the number of rows.
PRAGMA temp_store = memory;

CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO orders
SELECT i, 'customer-' || (i * 7919 % 20011), i * 31 % 1009, substr('a note of some length, or of none', 1, i % 30) FROM n;

CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX orders_amount ON orders (amount, note);
CREATE TABLE totals AS SELECT customer, count(*) AS orders, sum(amount) AS amount FROM orders GROUP BY customer;
SELECT count(*), max(length(notes)) FROM (SELECT group_concat(note, ';') AS notes FROM orders GROUP BY amount);
SELECT sum(t.amount) FROM orders o JOIN totals t ON t.customer = o.customer WHERE o.amount < 500;
DELETE FROM orders WHERE id % 2;
