INSERT INTO organisations (name) VALUES ('Trattoria Rosa');
INSERT INTO menu_categories (name, position) VALUES ('Antipasti', 1), ('Pasta', 2), ('Dolci', 3);
INSERT INTO menu_items (category_id, name, price_cents) VALUES
    (1, 'Bruschetta', 690), (1, 'Vitello tonnato', 1290),
    (2, 'Tagliatelle al ragù', 1490), (2, 'Gnocchi alla sorrentina', 1390),
    (3, 'Tiramisù', 750), (3, 'Panna cotta', 690);
INSERT INTO orders (table_number, status, total_cents, opened_at)
    SELECT 1 + n % 14,
           (ARRAY['open', 'paid', 'paid', 'paid', 'cancelled'])[1 + n % 5]::order_status,
           1200 + (n * 737) % 6400,
           now() - (240 - n) * interval '17 minutes'
    FROM generate_series(1, 240) AS n;
INSERT INTO order_lines (order_id, menu_item_id, quantity)
    SELECT n, 1 + n % 6, 1 + n % 3 FROM generate_series(1, 240) AS n;
INSERT INTO inventory_categories (name) VALUES ('Dry goods'), ('Dairy'), ('Produce');
INSERT INTO inventory_items (category_id, name, unit, on_hand, reorder_at) VALUES
    (1, 'Flour 00', 'kg', 84.5, 40), (1, 'Durum wheat semolina', 'kg', 31, 30),
    (2, 'Mascarpone', 'kg', 6.25, 8), (2, 'Parmigiano Reggiano', 'kg', 18.4, 10),
    (3, 'San Marzano tomatoes', 'kg', 52, 25), (3, 'Basil', 'bunch', 9, 12);
INSERT INTO payroll_runs (period, gross_cents, closed_at)
    SELECT to_char(now() - n * interval '1 month', 'YYYY-MM'), 4210000 + n * 13700,
           now() - n * interval '1 month'
    FROM generate_series(1, 6) AS n;
INSERT INTO journal_entries (account, amount_cents, booked_at)
    SELECT (ARRAY['4000 Sales', '5000 Goods', '6000 Wages'])[1 + n % 3], 25000 + n * 311,
           now() - n * interval '9 hours'
    FROM generate_series(1, 60) AS n;
